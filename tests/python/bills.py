"""The bill of what came through a relay."""

from collections.abc import Iterable

from benchmark.billing.api_calls import ApiCall, api_call
from benchmark.billing.charges import Charge, charge
from benchmark.billing.table_sizes import read_sizes
from incident_ledger.warehouse import Warehouse
from relay import Request


def calls(requests: Iterable[Request]) -> list[ApiCall]:
    """The calls of BigQuery's API among them."""
    found = (
        api_call(each.method, each.path, each.headers, each.body, began=each.at, ended=each.answered_at)
        for each in requests
    )
    return [each for each in found if each is not None]


def charges(requests: Iterable[Request], warehouse: Warehouse, *, before: Iterable[Request] = ()) -> list[Charge]:
    """What they would cost, by the sizes that the tables of the warehouse have now."""
    return charge(calls(requests), read_sizes(warehouse, {}), before=calls(before))
