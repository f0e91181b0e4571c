"""What messages of compilers and language servers are understood to mean."""

from __future__ import annotations

import pytest

from zicoder.assist.actions.messages import Meaning, meaning_of


@pytest.mark.parametrize(
    ("message", "meaning"),
    [
        ('"np" is not defined', Meaning("undefined", "np")),
        ("Undefined name `np`", Meaning("undefined", "np")),
        ("undefined name 'np'", Meaning("undefined", "np")),
        ("Undefined variable 'np'", Meaning("undefined", "np")),
        ('Name "np" is not defined', Meaning("undefined", "np")),
        ("`np` is not defined.", Meaning("undefined", "np")),
        ("Cannot find name 'lenght'. Did you mean 'length'?", Meaning("undefined", "lenght", "length")),
        ("'foo' is not defined.", Meaning("undefined", "foo")),
        ("undefined: Foo", Meaning("undefined", "Foo")),
        ("cannot find value `x` in this scope", Meaning("undefined", "x")),
        ("use of undeclared identifier 'x'; did you mean 'y'?", Meaning("undefined", "x", "y")),
        ('Cannot access attribute "apend" for class "list[int]"', Meaning("attribute", "apend")),
        ('"apend" is not a known attribute of module "os"', Meaning("attribute", "apend")),
        ('"list[int]" has no attribute "apend"; maybe "append"?', Meaning("attribute", "apend", "append")),
        ("`A` has no attribute `gahter`. Did you mean `gather`?", Meaning("attribute", "gahter", "gather")),
        ("Instance of 'A' has no 'x' member", None),
        ("Property 'foo' does not exist on type 'A'. Did you mean 'bar'?", Meaning("attribute", "foo", "bar")),
        ("x.foo undefined (type A has no field or method foo)", Meaning("attribute", "foo")),
        ('Import "os" is not accessed', Meaning("unused_import", "os")),
        ("`os.path` imported but unused", Meaning("unused_import", "path")),
        ("Variable \"x\" is not accessed", Meaning("unused_variable", "x")),
        ("Local variable `x` is assigned to but never used", Meaning("unused_variable", "x")),
        ("Something else entirely", None),
        ("'" * 50_000, None),
        ("a is not defined " * 10_000, None),
    ],
)  # fmt: skip
def test_meanings(message: str, meaning: Meaning | None) -> None:
    assert meaning_of(message) == meaning
