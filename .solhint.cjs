// What `solhint` asks of the contracts beyond `forge fmt` and `forge lint`: solhint 'contracts/**/*.sol'
module.exports = {
  extends: 'solhint:recommended',
  rules: {
    'compiler-version': ['error', '0.8.30'],
    'func-visibility': ['error', { ignoreConstructors: true }],
    'avoid-tx-origin': 'error',
    'avoid-suicide': 'error',
    'avoid-sha3': 'error',
    'avoid-throw': 'error',
    'state-visibility': 'error',
    'no-global-import': 'error',
    'no-console': 'error',
    'multiple-sends': 'error',
    'not-rely-on-block-hash': 'error',
    'no-unused-import': 'off', // Does not see that assembly uses a constant.
    'payable-fallback': 'off', // The fallback takes no coin.
    // Off, each for its reason.
    'avoid-low-level-calls': 'off', // What they are for is said at each.
    'check-send-result': 'off', // Takes `TokenCalls.send`, which reverts, for the coin's.
    'gas-calldata-parameters': 'off',
    'gas-custom-errors': 'off', // There are no others; it sees strings in assembly's neighbours.
    'gas-increment-by-one': 'off',
    'gas-indexed-events': 'off', // An amount is not what one searches by.
    'gas-small-strings': 'off', // EIP-712's types are as long as they are, and hashed by the compiler.
    'gas-strict-inequalities': 'off', // Bounds are what they are.
    'gas-struct-packing': 'off', // A quote's fields stand in the order in which they are signed.
    'immutable-vars-naming': 'off', // Private and internal names begin with a line.
    'no-complex-fallback': 'off', // A plan is the calldata: ADR 0013.
    'no-empty-blocks': 'off', // Constructors that only hand on.
    'no-inline-assembly': 'off', // Each block says what memory it touches.
    'reason-string': 'off',
    reentrancy: 'off', // One transient lock; it looks for the order of writes to storage.
    'use-natspec': 'off', // NatSpec is there where it says something; not every parameter has a line.
  },
};
