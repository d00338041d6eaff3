"""What bqemulator gets wrong, fixed in the server's own process: one function a fault.

Each function names what it fixes and was seen to be needed with bqemulator 1.4.0, which is pinned. For each one,
`tests/python/warehouse/test_patches.py` shows the fault in a server without it, so that a test fails as soon as the
emulator no longer needs it. Nothing but the server imports this package.
"""
