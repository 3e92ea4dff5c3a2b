"""A simulator that does not start."""

if __name__ == "__main__":
    raise SystemExit("the broken simulator cannot find its <data>")
