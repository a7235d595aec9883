"""An ad request in four languages, with the partner's own ids filled in, ready to be pasted.

Never here: ids of anybody else. The one surprising fact: a snippet asks for a test ad, which is
shown even on an empty marketplace and is never billed; one line is to be taken out before release.
"""

import json
from dataclasses import dataclass

from models.domain.placement import Placement


@dataclass(frozen=True, slots=True)
class Snippet:
    """A piece of code and what it is written in."""

    language: str
    text: str


def snippets(base_url: str, key: str, placement: Placement | None) -> list[Snippet]:
    """The request for a placement of an app, in curl, Kotlin, Swift and JavaScript."""
    url = f"{base_url}/v1/ads"
    place = placement.placement_id if placement else "PLACEMENT_ID"
    body = {"request_id": "test-1", "placement_id": place, "test": 1}
    written = json.dumps(body)
    return [
        Snippet("curl", _curl(url, key, written)),
        Snippet("Kotlin", _KOTLIN % {"url": url, "key": key, "place": place}),
        Snippet("Swift", _SWIFT % {"url": url, "key": key, "place": place}),
        Snippet("JavaScript", _JAVASCRIPT % {"url": url, "key": key, "place": place}),
    ]


def _curl(url: str, key: str, body: str) -> str:
    return (
        f"curl -i {url} \\\n"
        f"  -H 'X-App-Key: {key}' \\\n"
        "  -H 'Content-Type: application/json' \\\n"
        f"  -d '{body}'"
    )


_KOTLIN = """\
// a new request_id for every opening; the same one when you retry
val body = JSONObject()
    .put("request_id", UUID.randomUUID().toString())
    .put("placement_id", "%(place)s")
    .put("test", 1) // take this line out before release
    .put("device", JSONObject().put("os", "android").put("osv", Build.VERSION.RELEASE))
val request = Request.Builder()
    .url("%(url)s")
    .header("X-App-Key", "%(key)s")
    .post(body.toString().toRequestBody("application/json".toMediaType()))
    .build()
client.newCall(request).execute().use { response ->
    if (response.code == 204) return // no ad: response.header("X-No-Ad-Reason") says why
    val ad = JSONObject(response.body!!.string()).getJSONArray("ads").getJSONObject(0)
    // show ad.assets and ad.label; when it is on screen, GET every ad.trackers.impression;
    // on a tap, open ad.trackers.click_through
}"""

_SWIFT = """\
// a new request_id for every opening; the same one when you retry
var request = URLRequest(url: URL(string: "%(url)s")!)
request.httpMethod = "POST"
request.setValue("%(key)s", forHTTPHeaderField: "X-App-Key")
request.setValue("application/json", forHTTPHeaderField: "Content-Type")
request.httpBody = try JSONSerialization.data(withJSONObject: [
    "request_id": UUID().uuidString,
    "placement_id": "%(place)s",
    "test": 1, // take this line out before release
    "device": ["os": "ios", "osv": UIDevice.current.systemVersion],
])
let (data, response) = try await URLSession.shared.data(for: request)
guard (response as? HTTPURLResponse)?.statusCode == 200 else { return } // 204: no ad
let answer = try JSONSerialization.jsonObject(with: data) as! [String: Any]
// show ads[0].assets and its label; when it is on screen, GET every trackers.impression;
// on a tap, open trackers.click_through"""

_JAVASCRIPT = """\
// a new request_id for every opening; the same one when you retry
const response = await fetch("%(url)s", {
  method: "POST",
  headers: { "X-App-Key": "%(key)s", "Content-Type": "application/json" },
  body: JSON.stringify({
    request_id: crypto.randomUUID(),
    placement_id: "%(place)s",
    test: 1, // take this line out before release
  }),
});
if (response.status === 200) {
  const [ad] = (await response.json()).ads;
  // show ad.assets and ad.label; when it is on screen:
  ad.trackers.impression.forEach((url) => fetch(url, { mode: "no-cors" }));
  // on a tap, open ad.trackers.click_through
} // 204: no ad, X-No-Ad-Reason says why"""
