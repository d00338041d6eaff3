"""The playbook as tables: read, checked and asked."""
