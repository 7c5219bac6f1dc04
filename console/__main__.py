"""`python -m console` is `hooks`."""

from console.main import main

main()
