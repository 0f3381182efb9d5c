"""`python -m molt`: the command line, for whoever has the interpreter and not the path."""

from molt.cli.main import main

if __name__ == "__main__":
    main()
