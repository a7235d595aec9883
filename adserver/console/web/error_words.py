"""What a person reads when a page cannot be shown, by status.

Never here: REST errors (problem+json). The one surprising fact: 401 has no page, because strangers
are sent to sign in.
"""

from adserver.console.web.language import N_, say

_WORDS = {
    400: (
        N_("That did not arrive whole"),
        N_("The browser sent something that this page cannot read. Go back and try again."),
    ),
    403: (
        N_("This form is too old"),
        N_(
            "Its protection has run out, or you signed in again since it was opened. Go back, "
            "load the page again and send the form once more."
        ),
    ),
    404: (
        N_("There is no such page"),
        N_(
            "The address may be mistyped, the thing may be gone, or it may belong to somebody else."
        ),
    ),
    405: (
        N_("That cannot be done here"),
        N_("This address is there, but not for what was asked of it."),
    ),
    409: (
        N_("Somebody was faster"),
        N_("What you wanted to change has changed meanwhile. Load the page again and look."),
    ),
    413: (
        N_("That file is too large"),
        N_("Make it smaller, or split it, and try again. Nothing was stored."),
    ),
    429: (
        N_("Too many attempts"),
        N_("Wait a little, then try again."),
    ),
    500: (
        N_("Our mistake"),
        N_("Something broke on our side. It has been logged; nothing you did was half done."),
    ),
    503: (
        N_("Not available for the moment"),
        N_("A part of the system is away. What you entered was not stored; try again shortly."),
    ),
}


def error_words(language: str, status: int) -> tuple[str, str]:
    """Heading and text for a status; what has none of its own gets those of 500 or 400."""
    heading, text = _WORDS.get(status) or _WORDS[500 if status >= 500 else 400]
    return say(language, heading), say(language, text)
