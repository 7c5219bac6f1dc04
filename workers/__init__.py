"""From queue to outcome: claim, dispatch, settle, and everything that keeps them honest."""
