"""A simulator that starts and never says so."""

import time

if __name__ == "__main__":
    time.sleep(600)
