"""A second throw-away simulator, so that a fleet has two."""

from tests.examples.echo import main

if __name__ == "__main__":
    main("parrot")
