from tests.adserver.console.account.conftest import house

__all__ = ["house"]
