"""Keccak-256, as Ethereum has it: SHA-3 before its padding was changed (https://keccak.team)."""

from __future__ import annotations

_RATE = 136
_LANE = 0xFFFFFFFFFFFFFFFF


def keccak256(data: bytes) -> bytes:
    """Return the Keccak-256 hash of some bytes."""
    state = [0] * 25
    padded = bytearray(data) + bytes(_RATE - len(data) % _RATE)
    padded[len(data)] ^= 0x01
    padded[-1] ^= 0x80
    for start in range(0, len(padded), _RATE):
        for lane in range(_RATE // 8):
            place = start + 8 * lane
            state[lane] ^= int.from_bytes(padded[place : place + 8], "little")
        state = _permuted(state)
    return b"".join(lane.to_bytes(8, "little") for lane in state[:4])


def _rotated(lane: int, bits: int) -> int:
    return ((lane << bits) | (lane >> (64 - bits))) & _LANE


def _permuted(state: list[int]) -> list[int]:
    for constant in _ROUND_CONSTANTS:
        state = _chi(_rho_pi(_theta(state)))
        state[0] ^= constant
    return state


def _theta(state: list[int]) -> list[int]:
    parity = [
        state[x] ^ state[x + 5] ^ state[x + 10] ^ state[x + 15] ^ state[x + 20] for x in range(5)
    ]
    mix = [parity[x - 1] ^ _rotated(parity[(x + 1) % 5], 1) for x in range(5)]
    return [lane ^ mix[place % 5] for place, lane in enumerate(state)]


def _rho_pi(state: list[int]) -> list[int]:
    moved = state[:]
    x, y = 1, 0
    for step in range(24):
        bits = (step + 1) * (step + 2) // 2 % 64
        target_x, target_y = y, (2 * x + 3 * y) % 5
        moved[target_x + 5 * target_y] = _rotated(state[x + 5 * y], bits)
        x, y = target_x, target_y
    return moved


def _chi(state: list[int]) -> list[int]:
    return [
        lane ^ (~state[place // 5 * 5 + (place + 1) % 5] & state[place // 5 * 5 + (place + 2) % 5])
        for place, lane in enumerate(state)
    ]


def _round_constants() -> list[int]:
    """Return the 24 constants of iota, from the linear feedback register that defines them."""
    constants, register = [], 1
    for _ in range(24):
        constant = 0
        for power in range(7):
            if register & 1:
                constant ^= 1 << ((1 << power) - 1)
            register <<= 1
            if register & 0x100:
                register ^= 0x171
        constants.append(constant)
    return constants


_ROUND_CONSTANTS = _round_constants()
