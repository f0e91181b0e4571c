"""Backoff, the circuit, what is asked of a server, prices, and what is imported when."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from pydantic_ai.messages import ModelResponse
from pydantic_ai.usage import RequestUsage

from zicoder.models.chat.meter import Meter, price
from zicoder.models.chat.patience import Breaker, Patience, pause_s
from zicoder.models.exchange import retry_after_s

PATIENCE = Patience(tries=5, first_pause_s=1.0, longest_pause_s=8.0, alone_s=30.0, longest_alone_s=100.0)


def test_pauses_double_and_have_jitter():
    assert [pause_s(PATIENCE, n, None, 1.0) for n in (1, 2, 3, 4, 5)] == [1.0, 2.0, 4.0, 8.0, None]
    assert pause_s(PATIENCE, 3, None, 0.0) == 2.0


def test_what_the_provider_asks_for_is_never_undercut():
    assert all(2.0 <= (pause_s(PATIENCE, 1, 2.0, chance) or 0) <= 2.5 for chance in (0.0, 0.5, 1.0))
    assert pause_s(PATIENCE, 1, 9.0, 0.5) is None


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(None, None), ("", None), ("8", 8.0), ("0.5", 0.5), ("-1", None), ("nan", None), ("inf", None), ("soon", None),
     ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0)],
)  # fmt: skip
def test_retry_after(value, seconds):
    assert retry_after_s(value) == seconds


def test_retry_after_a_date():
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    assert 98 < (retry_after_s(at) or 0) <= 100


def test_the_circuit():
    now = [1000.0]
    breaker = Breaker(PATIENCE, clock=lambda: now[0])
    assert breaker.enter() == 0
    breaker.failed()
    assert breaker.enter() == 30
    now[0] += 31
    assert breaker.enter() == 0
    assert breaker.enter() > 0, "one probe at a time"
    breaker.left()
    assert breaker.enter() == 0
    breaker.failed()
    assert breaker.enter() == 60
    now[0] += 61
    assert breaker.enter() == 0
    breaker.worked()
    assert breaker.enter() == breaker.enter() == 0
    breaker.failed(asked_s=500.0)
    assert breaker.enter() == 500


def test_prices():
    usage = RequestUsage(input_tokens=1_000_000, output_tokens=0)
    assert (price("openai", "gpt-4o", usage) or 0) > 0
    assert price("ollama", "gpt-4o", usage) == price("local", "qwen", usage) == 0
    assert price("openai-compatible", "gpt-4o", usage) is None
    assert price("openai", "no-such-model-at-all", usage) is None


def test_a_meter_adds_up():
    def answer(provider: str, model: str) -> ModelResponse:
        usage = RequestUsage(input_tokens=10, output_tokens=5)
        return ModelResponse(parts=[], provider_name=provider, model_name=model, usage=usage)

    meter = Meter()
    meter.add(answer("local", "qwen"))
    used = meter.add(answer("openai", "gpt-4o"))
    meter.add(answer("openai", "gpt-4o"))
    assert (meter.input_tokens, meter.output_tokens) == (30, 15)
    assert used.cost is not None
    assert meter.cost == pytest.approx(2 * used.cost)
    assert meter.by_model["openai:gpt-4o"].input_tokens == 20
    meter.add(answer("anyscale", "x"))
    assert meter.cost is None


def test_the_registry_imports_no_sdk():
    program = (
        "import sys, zicoder.models.chat.pool, zicoder.models.chat.offers, zicoder.models.chat.roles, "
        "zicoder.models.chat.meter, zicoder.models.chat.matrix_file, zicoder.models.credentials\n"
        "heavy = {'pydantic_ai', 'openai', 'anthropic', 'mistralai', 'google', 'httpx2', 'httpx', 'keyring', "
        "'cryptography', 'argon2', 'tomlkit', 'genai_prices'}\n"
        "print(sorted(heavy & {name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
