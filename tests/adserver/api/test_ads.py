"""`POST /v1/ads` over a real socket."""

from tests.adserver.api.running import Client, Worker


def test_an_ad_comes_with_all_that_the_contract_names(client: Client) -> None:
    reply = client.ask(user={"id": "u1"})
    assert reply.status == 200
    print(reply.json)
