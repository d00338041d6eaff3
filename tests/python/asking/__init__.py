"""Tests of what analysts ask."""
