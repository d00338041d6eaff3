"""Dashboards as code: one definition (`analyses/dashboards/<name>/`), rendered as self-contained pages."""
