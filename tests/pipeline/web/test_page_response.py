from tiny_pictures import write_files

from pipeline.web.page_response import page_response


def test_texts_are_escaped_and_scripts_become_one_that_the_policy_allows(tmp_path):
    files = {
        "page.html": b"<h1>{{name}}</h1><style>{{style}}</style><script>{{script}}</script>",
        "style.css": b"h1 { color: red }",
        "one.js": b"const name = 1;\n",
        "two.js": b"print(name);\n",
    }
    write_files(tmp_path, files)
    page = page_response(tmp_path, {"name": "<b>{{script}}"}, "'self'", ("one.js", "two.js"))
    assert page.body.decode() == (
        "<h1>&lt;b&gt;{{script}}</h1><style>h1 { color: red }</style>"
        "<script>const name = 1;\nprint(name);\n</script>"
    )
    # sha256 of the style and of the joined scripts, in base64.
    assert page.headers["content-security-policy"] == (
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "connect-src 'self'; img-src 'self'; "
        "style-src 'sha256-tTSm1OckW5h6W6ygQhQ4J51f9En6kC/x9O18pXFX6KM='; "
        "script-src 'sha256-jeEGMt+WIl2I37Q/yLZzQUBaCUTMGnkr6i4yyVWRwpA='"
    )
