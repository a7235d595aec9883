from tests.adserver.stores.redis_cases import line, redis_url

__all__ = ["line", "redis_url"]
