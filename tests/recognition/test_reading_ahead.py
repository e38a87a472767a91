"""Work done in advance, in order and within limits."""

from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from spokenwords.recognition import reading_ahead


@pytest.fixture
def pool():
    with ThreadPoolExecutor(2) as threads:
        yield threads


class Begun(list):
    """What a pool was asked to do; it is done at once."""

    def submit(self, function, item):
        self.append(item)
        done = Future()
        done.set_result(function(item))
        return done


def test_what_is_computed_ahead_comes_in_order_and_weighs_no_more_than_there_is_room():
    begun, results = Begun(), []
    weights = {1: 2, 2: 2, 3: 100, 4: 3, 5: 1, 6: 1, 7: 4}
    for result in reading_ahead.ahead(begun, lambda item: 10 * item, weights, 5, weights.get):
        results.append((result, len(begun)))
    # 1 and 2 weigh 4, 3 waits until it is alone, 4 to 6 weigh 5, and 5 to 7 would be 6.
    assert results == [(10, 2), (20, 2), (30, 3), (40, 6), (50, 6), (60, 7), (70, 7)]


def test_an_error_of_what_is_computed_ahead_is_raised_where_its_result_would_be(pool):
    results = reading_ahead.ahead(pool, lambda item: 1 / item, [1, 2, 0, 4], 10)
    assert [next(results), next(results)] == [1, 0.5]
    with pytest.raises(ZeroDivisionError):
        next(results)
