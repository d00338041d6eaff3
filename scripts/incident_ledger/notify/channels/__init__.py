"""Where messages go, one module a kind of channel; `registry` opens those that the settings name."""
