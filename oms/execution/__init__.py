"""From a plan to bytes: legs, calldata, gas, and the meaning of reverts."""
