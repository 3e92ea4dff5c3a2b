"""Where a soak says what it measured: one line a figure, by the number of the promise (``docs/reliability.md``)."""


def tell(promise: int, figure: str) -> None:
    print(f"\npromise {promise}: {figure}", end="", flush=True)  # noqa: T201 (a soak's figures are its result)
