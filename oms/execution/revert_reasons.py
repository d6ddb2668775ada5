"""Revert data in plain words.

Owns: one sentence for every custom error of our contracts, and for the common refusals of the protocols they call.
Must not: decide what to do about one.
Sources: our interfaces in `contracts/interfaces`; Uniswap core; Balancer v2's list of error codes, v3's `IVaultErrors`;
Aave v3's `Errors`; Across's `SpokePoolInterface`; AirSwap's `SwapERC20`; ERC-6093; ERC-4626 as OpenZeppelin has it;
ERC-4337's `IEntryPoint`; Permit2; Solidity's `Panic` codes.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from eth_hash.auto import keccak
from eth_utils.address import to_checksum_address


@dataclass(frozen=True, slots=True)
class RevertReason:
    """Why a call reverted: the error's name, its arguments by name, and a sentence that ends with a remedy if any.

    An error that wraps another's data has that as its `cause`.
    """

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    sentence: str = ""
    known: bool = True
    cause: "RevertReason | None" = None

    @property
    def call(self) -> str:
        """The name with its arguments, as `MinOutMissed(received=99, minOut=100)`."""
        shown = (f"{name}={_shown(value)}" for name, value in self.arguments.items())
        if not self.known:
            return self.name or "no reason"
        return f"{self.name}({', '.join(shown)})"

    @property
    def chain(self) -> tuple["RevertReason", ...]:
        """This one, its cause, that one's cause, and so on."""
        return (self, *(self.cause.chain if self.cause else ()))

    def __str__(self) -> str:
        return self.sentence


@dataclass(frozen=True, slots=True)
class KnownError:
    """A custom error as declared, with a template that may name its arguments."""

    declaration: str
    sentence: str

    @property
    def name(self) -> str:
        """The error's name."""
        return self.declaration.partition("(")[0]

    @property
    def parameters(self) -> tuple[tuple[str, str], ...]:
        """Type and name of each argument."""
        inside = self.declaration.partition("(")[2].rstrip(")")
        pairs = (part.strip().split(" ") for part in inside.split(",") if part.strip())
        return tuple((pair[0], pair[1]) for pair in pairs)

    @property
    def signature(self) -> str:
        """The canonical text whose hash is the selector."""
        return f"{self.name}({','.join(kind for kind, _ in self.parameters)})"

    @property
    def selector(self) -> bytes:
        """The first four bytes of the revert data."""
        return keccak(self.signature.encode())[:4]


OUR_ERRORS: Final = tuple(
    KnownError(*row)
    for row in (
        # Who may call the executor, and when
        ("NotOwner(address caller)", "{caller} is not the executor's owner; send from the owner's account"),
        (
            "NotPendingOwner(address caller)",
            "ownership was not offered to {caller}; the owner must call offerOwnership first",
        ),
        ("NotGuardian(address caller)", "{caller} is neither guardian nor owner; ask one of them"),
        ("IsPaused()", "the executor is paused; its owner can end that with resume"),
        (
            "PartMissing(address part)",
            "there is no code at {part} to be a part of the executor; deploy the parts first",
        ),
        ("Reentered()", "the contract was called again while it was still at work; a token or pool is hostile"),
        (
            "PlanExpired(uint256 deadline, uint256 timestamp)",
            "the plan's deadline {deadline} had passed at {timestamp}; make a new plan",
        ),
        ("EthRefused(address sender)", "{sender} sent native coin, which the executor does not take; wrap it first"),
        # What a plan may say
        ("PlanVersion(uint256 version)", "the executor does not know plan version {version}; encode it for this one"),
        ("PlanFlags(uint256 flags)", "the plan's flags {flags} hold unknown bits; encode it again"),
        (
            "PlanTruncated(uint256 needed, uint256 length)",
            "the plan has {length} bytes where {needed} are needed; encode it again",
        ),
        (
            "TokenCount(uint256 count)",
            "the plan names {count} tokens, and must declare 2 and name at most 16; use fewer hops",
        ),
        (
            "AssetBound(address token, uint256 bound)",
            "the plan bounds {token} by {bound}, which is no bound or not one for its place; encode it again",
        ),
        ("ZeroAmountIn()", "the plan sells nothing; give an amount"),
        ("ZeroMinOut()", "the plan has no minimum output; set a slippage limit"),
        (
            "TokenIndex(uint256 at, uint256 indexIn, uint256 indexOut)",
            "the leg at byte {at} joins tokens {indexIn} and {indexOut}, which it may not; encode the plan again",
        ),
        (
            "NotDeclared(uint256 indexIn, uint256 indexOut)",
            "a leg from token {indexIn} pays into token {indexOut}, whose balance the plan does not bound; declare it",
        ),
        (
            "HandedWrong(uint256 at)",
            "the leg at byte {at} cannot take what was handed to it; encode the plan again",
        ),
        (
            "NoPath(uint256 at, uint256 kind)",
            "a leg of kind {kind}, at byte {at}, cannot be part of a path; encode it again",
        ),
        ("NoHops(uint256 at)", "the exact output at byte {at} goes through no pool; encode it again"),
        (
            "NotDirect(uint256 at)",
            "the leg at byte {at} is not the plan's only path, which a permit straight to a pool pays; pull instead",
        ),
        (
            "UnknownLegKind(uint256 at, uint256 kind)",
            "the leg at byte {at} has the unknown kind {kind}; encode it again",
        ),
        (
            "UnknownAmountMode(uint256 at, uint256 mode)",
            "the leg at byte {at} has the unknown amount mode {mode}; encode it again",
        ),
        ("BadSwitch(uint256 value)", "a switch in the plan is {value}, neither 0 nor 1; encode it again"),
        ("ZeroLegAmount(uint256 at)", "the leg at byte {at} has nothing to sell; make a new plan"),
        (
            "AmountAboveAvailable(uint256 at, uint256 amount, uint256 available)",
            "the leg at byte {at} sells {amount}, but earlier legs left only {available}; make a new plan",
        ),
        ("AmountOverflow(uint256 amount)", "the amount {amount} does not fit the venue's number type; sell less"),
        # The executor's venues
        ("VenueUnknown(uint256 kind, uint256 id)", "the executor knows no venue {id} of leg kind {kind}; add it first"),
        ("VenueFixed(uint256 kind, uint256 id)", "venue {id} of leg kind {kind} cannot be changed; use another number"),
        ("VenueFee(uint256 feePips)", "{feePips} pips is no fee for such a venue; correct it"),
        ("PoolMissing(address pool)", "there is no pool at {pool}; make a new plan"),
        (
            "NotNative(address tokenIn, address tokenOut)",
            "neither {tokenIn} nor {tokenOut} is the wrapped coin that a native pool needs; encode the plan again",
        ),
        (
            "PartialFill(uint256 asked, int256 filled)",
            "the pool took only {filled} of {asked}: its liquidity ran out; sell less or make a new plan",
        ),
        (
            "CallbackNotArmed(address caller)",
            "{caller} called back without being expected; the call was an attack or a bug",
        ),
        (
            "CallbackOverBudget(int256 owed, uint256 budget)",
            "the venue asked for {owed} where {budget} was meant; do not use this venue",
        ),
        ("CallbackMissed(address venue)", "{venue} did not ask for its payment; do not use this venue"),
        # What must hold at the end of a plan
        (
            "Overspent(address token, uint256 spent, uint256 amountIn)",
            "{spent} of {token} would have gone where {amountIn} was the limit; the token charges its sender",
        ),
        (
            "MinOutMissed(uint256 received, uint256 minOut)",
            "the plan brought {received}, less than its minimum {minOut}: the price moved; make a new plan",
        ),
        (
            "LeftBehind(address token, uint256 before, uint256 remaining)",
            "the executor's balance of {token} would have changed from {before} to {remaining}; make a new plan",
        ),
        (
            "AllowanceLeft(address token, address spender, uint256 allowance)",
            "{spender} would have kept an allowance of {allowance} over {token}; do not trade this token there",
        ),
        # Legs beyond swaps
        ("NoPlanRuns()", "the annex was called by itself; it runs within an executor's plan only"),
        (
            "BadParticulars(uint256 kind, uint256 size)",
            "a leg of kind {kind} cannot have {size} bytes of particulars; encode the plan again",
        ),
        (
            "NotListed(uint256 kind, address target, bytes4 selector)",
            "legs of kind {kind} may not deal with {target} (function {selector}); the owner must list it first",
        ),
        (
            "CallRefused(address target, bytes4 selector)",
            "function {selector} of {target} may not be called, listed or not: it could give the account's rights away",
        ),
        ("VaultNotTraded(address vault)", "the vault {vault} is neither of the leg's tokens; encode the plan again"),
        ("NothingAsked()", "the bridge deposit asks for nothing on the other chain; give token and amount"),
        (
            "WrongLender(address lender, uint256 kind)",
            "{lender} is not this chain's lender of kind {kind}; take the one that the executor was deployed with",
        ),
        (
            "WrongLoan(address token, uint256 amount)",
            "the lender did not lend {amount} of {token} as it was asked to; do not use this lender",
        ),
        (
            "LoanFee(uint256 fee, uint256 most)",
            "the loan would cost {fee} where the leg may sell {most}; raise its amount or take another lender",
        ),
        (
            "NotAPlan(uint256 index)",
            "what is to run as plan {index} of the loan is no plan; encode it again",
        ),
        # Tokens
        ("NotAToken(address token)", "{token} does not answer as a token does; check the address"),
        (
            "TransferFailed(address token, address to, uint256 amount)",
            "{token} refused to move {amount} to {to}; check balance, allowance and the token's block list",
        ),
        (
            "ApproveFailed(address token, address spender, uint256 amount)",
            "{token} refused an allowance of {amount} for {spender}; do not trade this token there",
        ),
        (
            "FeeOnTransfer(address token, uint256 sent, uint256 received)",
            "{token} takes a fee on transfer: of {sent} sent only {received} counted; it cannot be traded here",
        ),
        # RfqSettlement
        (
            "NotTaker(address caller, address taker)",
            "the quote is for {taker}, not for {caller}; ask for one of your own",
        ),
        (
            "QuoteExpired(uint256 expiry, uint256 timestamp)",
            "the maker's quote ended at {expiry} and it is {timestamp}; ask for a new one",
        ),
        (
            "BadQuote(uint256 makerAmount, uint256 takerAmount)",
            "a quote of {makerAmount} for {takerAmount} is out of range; ask for a new one",
        ),
        (
            "BadFillAmount(uint256 asked, uint256 takerAmount, bool partialFillAllowed)",
            "{asked} cannot be filled of a quote for {takerAmount} (partial fills allowed: {partialFillAllowed})",
        ),
        (
            "NonceUsed(address maker, uint256 nonce)",
            "nonce {nonce} of {maker} was used or cancelled; ask for a new quote",
        ),
        ("BadSignature(address maker)", "the quote is not signed by {maker}; ask for a new one"),
        (
            "MakerUnderpaid(address token, uint256 due, uint256 received)",
            "the maker got {received} of {token} where {due} was due; the token takes a fee on transfer",
        ),
        # ExecutorFactory
        (
            "AlreadyDeployed(address executor)",
            "this account has deployed {executor} with this salt before; use it, or another salt",
        ),
        (
            "NothingDeployed(address executor)",
            "nothing came to stand at {executor}: the constructor left no code, or ran out of gas; give it more",
        ),
        # What other keys may do
        (
            "SessionExpired(address key, uint256 expiry, uint256 timestamp)",
            "the session of {key} ended at {expiry} and it is {timestamp}; the owner can grant another",
        ),
        ("SessionRevoked(address key)", "the session of {key} was revoked; the owner can grant another"),
        (
            "FormerOwners(address key, uint256 grant)",
            "grant {grant} of {key} ended with the owner that made it; the owner can grant another",
        ),
        ("BadKey(address key)", "{key} is nobody, the account itself, or who speaks for its owner; name another key"),
        (
            "BadGrant(uint256 expiry, uint256 mostLossBps)",
            "a session until {expiry} that may lose {mostLossBps} basis points bounds nothing; correct one of them",
        ),
        (
            "BadSpend(address token, uint256 limit, uint256 period)",
            "{limit} of {token} in {period} seconds is no limit; neither may be zero",
        ),
        (
            "KindNotGranted(address key, uint256 at, uint256 kind)",
            "{key} was not granted legs of kind {kind}, as at byte {at} of the plan; the owner can grant them",
        ),
        (
            "VenueNotGranted(address key, uint256 at, uint256 kind, bytes32 venue)",
            "{key} was not granted the venue {venue} of leg kind {kind}, at byte {at} of the plan; route elsewhere",
        ),
        ("FallNotGranted(address key, address token)", "{key} was not granted to spend {token}; use another asset"),
        ("RiseNotGranted(address key, address token)", "{key} was not granted to buy {token}; use another asset"),
        ("AssetTwice(address token)", "the plan declares {token} twice, which a session may not; encode it again"),
        ("PullNotGranted(address key)", "{key} was not granted the owner's own funds; trade what the account holds"),
        (
            "SpendLimit(address key, address token, uint256 spent, uint256 free)",
            "{key} would spend {spent} of {token} where {free} is left of its limit; spend less or wait",
        ),
        (
            "BelowReference(address key, uint256 earned, uint256 least)",
            "the plan of {key} earns {earned} where the reference prices ask for {least} (in 10^-18); make a new plan",
        ),
        ("FeedMissing(address token)", "no price feed is named for {token}; the owner can name one by setReference"),
        (
            "FarFeedMissing(uint256 chainId, address token)",
            "no price feed is named for {token} on chain {chainId}; the owner can name one by setFarReference",
        ),
        (
            "BridgeNotAlone(address key, uint256 at)",
            "the plan of {key} sends by a bridge and, at byte {at}, by another leg too; send one plan for each",
        ),
        (
            "LoanNotAlone(address key, uint256 at)",
            "the plan of {key} borrows at byte {at} and has another leg; put all other legs into plans within the loan",
        ),
        (
            "LoanCosts(address key, uint256 at)",
            "the plan of {key} borrows at byte {at} at a lender with a fee; borrow of Balancer's vaults",
        ),
        (
            "BadFeed(address token, address feed, uint256 decimals, uint256 maxAge)",
            "{feed} cannot price {token}: {decimals} decimals, answers of at most {maxAge} seconds; name another feed",
        ),
        (
            "FeedStale(address feed, uint256 updatedAt, uint256 timestamp)",
            "the price feed {feed} answered last at {updatedAt} and it is {timestamp}; wait for its next answer",
        ),
        ("FeedAnswer(address feed, int256 answer)", "the price feed {feed} answers {answer}, which is no price"),
        ("ValueOverflow(address token, uint256 amount)", "{amount} of {token} is too much to be valued; trade less"),
        ("OnlyWithinPlan()", "only the executor's own code calls this, while a plan runs"),
        # Batches and signatures
        ("TooManyPlans(uint256 count)", "a batch of {count} plans is too long; send at most 256"),
        ("PlanFailed(uint256 index, bytes reason)", "plan {index} of the batch failed: {reason}"),
        (
            "GasShort(uint256 index, uint256 left)",
            "plan {index} of the batch failed and left only {left} gas: it may have run short; send more gas",
        ),
        (
            "SignatureExpired(uint256 deadline, uint256 timestamp)",
            "the signature ended at {deadline} and it is {timestamp}; sign again",
        ),
        (
            "NonceUnexpected(address key, uint256 nonce, uint256 next)",
            "{nonce} is not the next nonce of {key} in its lane, which is {next}; sign again or use another lane",
        ),
        ("WrongSignature(address key)", "this is not signed by {key} as things stand; sign again"),
        # Entry points and adopted accounts
        ("NotEntryPoint(address caller)", "{caller} is not the account's entry point"),
        (
            "BadEntryPoint(address entryPoint)",
            "{entryPoint} is the account or a session's key, and cannot be its entry point",
        ),
        (
            "NotAdoptable(address account, address owner)",
            "{account} has the owner {owner} already, or does not have this code by EIP-7702; it cannot be adopted",
        ),
        ("UnknownFunction(bytes4 selector)", "the executor has no function {selector}; update the client"),
        # The registry
        ("RegistryDelayed(uint256 delay)", "additions wait for {delay} seconds here; propose it and apply it then"),
        (
            "NotProposed(bytes32 proposal)",
            "the proposal {proposal} was never made, or applied or cancelled; propose it",
        ),
        (
            "NotYet(bytes32 proposal, uint256 applicableFrom, uint256 timestamp)",
            "the proposal {proposal} can be applied from {applicableFrom} and it is {timestamp}; wait",
        ),
        ("NotListable(uint256 kind, address target)", "{target} cannot be listed for legs of kind {kind}"),
        ("TargetIsToken(address target)", "{target} answers as a token does; tokens are never called by plans"),
        (
            "VenueDisabled(uint256 kind, uint256 at)",
            "the built-in venue of leg kind {kind}, at byte {at} of the plan, is off; route elsewhere or wait for it",
        ),
        ("SelectorRefused(bytes4 selector)", "the function {selector} can move allowances or tokens, or is none here"),
        # A Safe's module
        ("NotSafe(address caller)", "{caller} is not the module's Safe; send it from the Safe"),
        ("NotOperator(address caller)", "{caller} is no operator of the Safe now; the Safe can by grantOperator"),
        ("NotOwned(address executor, address owner)", "the executor {executor} belongs to {owner}, not to the Safe"),
        (
            "AllowanceStands(address token, uint256 allowance)",
            "the Safe lets the executor take {allowance} of {token} already; set that to zero first",
        ),
        ("SecondFall(address token)", "an operator's plan lets {token} fall beside the first asset; encode it again"),
        (
            "LoanRefused(uint256 at)",
            "an operator's plan borrows at byte {at}, where no limit counts what runs within; trade without a loan",
        ),
        ("SafeRefused(address target)", "the Safe did not call {target}; check that the module is enabled"),
        ("ModuleBusy()", "the module was called again while it was still at work; a token or pool is hostile"),
        # Development tokens
        ("NotMinter(address caller)", "{caller} may not mint; only the token's deployer may"),
        (
            "BalanceTooLow(address account, uint256 balance, uint256 amount)",
            "{account} holds {balance} where {amount} is needed; fund it or trade less",
        ),
        (
            "AllowanceTooLow(address holder, address spender, uint256 allowance, uint256 amount)",
            "{holder} allows {spender} only {allowance} where {amount} is needed; approve more or trade less",
        ),
        (
            "AllowanceNotZero(address holder, address spender, uint256 allowance)",
            "{holder} still allows {spender} {allowance}; this token wants it zeroed before it is changed",
        ),
        ("UnexpectedCallback(address caller)", "{caller} called back without being expected"),
        ("TransferFailed(address token)", "{token} refused a transfer; check balance and allowance"),
    )
)

PROTOCOL_ERRORS: Final = tuple(
    KnownError(*row)
    for row in (
        # Uniswap v4
        ("PoolNotInitialized()", "no v4 pool exists for these tokens, fee and tick spacing; choose another pool"),
        ("CurrencyNotSettled()", "the v4 pool manager was not paid in full; a token takes a fee on transfer"),
        ("AlreadyUnlocked()", "the v4 pool manager was already at work; a token or pool is hostile"),
        ("ManagerLocked()", "the v4 pool manager was called outside its callback"),
        ("SwapAmountCannotBeZero()", "the v4 pool refuses to swap nothing; give an amount"),
        (
            "PriceLimitAlreadyExceeded(uint160 sqrtPriceCurrentX96, uint160 sqrtPriceLimitX96)",
            "the v4 pool's price is beyond the limit already; it has no liquidity left on this side",
        ),
        ("PriceLimitOutOfBounds(uint160 sqrtPriceLimitX96)", "the price limit {sqrtPriceLimitX96} is out of range"),
        (
            "CurrenciesOutOfOrderOrEqual(address currency0, address currency1)",
            "a v4 pool of {currency0} and {currency1} cannot exist in this order",
        ),
        ("NonzeroNativeValue()", "the v4 pool manager got native coin while a token payment was open"),
        ("SafeCastOverflow()", "an amount does not fit the v4 pool's number type; sell less"),
        ("NotEnoughLiquidity()", "the v4 pool has too little liquidity; sell less"),
        ("InvalidPriceOrLiquidity()", "the v4 pool is empty at this price; choose another pool"),
        ("PriceOverflow()", "the swap would push the v4 pool's price out of range; sell less"),
        ("InvalidSqrtPrice(uint160 sqrtPriceX96)", "the price {sqrtPriceX96} is out of a pool's range"),
        (
            "WrappedError(address target, bytes4 selector, bytes reason, bytes details)",
            "{target} failed inside the v4 pool manager: {reason}",
        ),
        ("HookCallFailed()", "the v4 pool's hook reverted; choose another pool"),
        ("InvalidHookResponse()", "the v4 pool's hook answered out of turn; choose another pool"),
        # Balancer v3
        ("BalanceNotSettled()", "the Balancer v3 vault was not paid in full; a token takes a fee on transfer"),
        ("VaultIsNotUnlocked()", "the Balancer v3 vault was called outside its callback"),
        ("VaultPaused()", "the Balancer v3 vault is paused by its operators; try another venue"),
        ("PoolPaused(address pool)", "the Balancer v3 pool {pool} is paused by its operators; try another pool"),
        ("PoolNotRegistered(address pool)", "{pool} is no Balancer v3 pool; choose another"),
        ("PoolNotInitialized(address pool)", "the Balancer v3 pool {pool} is empty; choose another"),
        ("TokenNotRegistered(address token)", "{token} is not in the Balancer v3 pool; choose another pool"),
        ("SwapLimit(uint256 amount, uint256 limit)", "the Balancer v3 swap's {amount} missed its limit {limit}"),
        ("AmountGivenZero()", "the Balancer v3 vault refuses to swap nothing; give an amount"),
        ("TradeAmountTooSmall()", "the Balancer v3 vault refuses so small a trade; sell more"),
        ("MaxInRatio()", "the amount exceeds 30 % of the Balancer pool's balance of the token sold; sell less"),
        ("MaxOutRatio()", "the amount exceeds 30 % of the Balancer pool's balance of the token bought; buy less"),
        # Across
        ("InvalidQuoteTimestamp()", "the deposit's quote time is too far from the chain's; ask for a new quote"),
        ("InvalidFillDeadline()", "the deposit's fill deadline is past or too far ahead; ask for a new quote"),
        ("InvalidExclusivityDeadline()", "the deposit's exclusive time is out of range; ask for a new quote"),
        ("MsgValueDoesNotMatchInputAmount()", "the deposit sends native coin that is not its amount"),
        ("DisabledRoute()", "Across does not bridge this token to that chain; choose another"),
        # AirSwap
        ("NonceAlreadyUsed(uint256 nonce)", "the maker's nonce {nonce} was used or cancelled; ask for a new quote"),
        ("OrderExpired()", "the maker's order has expired; ask for a new one"),
        ("SignatureInvalid()", "the maker's signature does not fit the order; ask for a new one"),
        ("SignatoryInvalid()", "the order's signer may not sign for the maker; ask for a new one"),
        # ERC-4626
        (
            "ERC4626ExceededMaxDeposit(address receiver, uint256 assets, uint256 max)",
            "the vault takes at most {max} for {receiver} where {assets} were deposited; deposit less",
        ),
        (
            "ERC4626ExceededMaxRedeem(address owner, uint256 shares, uint256 max)",
            "the vault redeems at most {max} shares of {owner} where {shares} were asked for; redeem less",
        ),
        # ERC-4337's entry point
        ("FailedOp(uint256 opIndex, string reason)", "operation {opIndex} was refused by the entry point: {reason}"),
        (
            "FailedOpWithRevert(uint256 opIndex, string reason, bytes inner)",
            "operation {opIndex} was refused by the entry point ({reason}), since its account said: {inner}",
        ),
        ("PostOpReverted(bytes returnData)", "what follows the operation failed: {returnData}"),
        # ERC-6093
        (
            "ERC20InsufficientBalance(address sender, uint256 balance, uint256 needed)",
            "{sender} holds {balance} where {needed} is needed; fund it or trade less",
        ),
        (
            "ERC20InsufficientAllowance(address spender, uint256 allowance, uint256 needed)",
            "{spender} is allowed {allowance} where {needed} is needed; approve more or trade less",
        ),
        ("ERC20InvalidSender(address sender)", "the token refuses {sender} as sender"),
        ("ERC20InvalidReceiver(address receiver)", "the token refuses {receiver} as receiver"),
        ("ERC20InvalidApprover(address approver)", "the token refuses {approver} as one who approves"),
        ("ERC20InvalidSpender(address spender)", "the token refuses {spender} as spender"),
        ("SafeERC20FailedOperation(address token)", "{token} refused a transfer or an approval"),
        # solady's tokens
        ("InsufficientBalance()", "a token balance is too low; fund it or trade less"),
        ("InsufficientAllowance()", "a token allowance is too low; approve more or trade less"),
        ("TransferFailed()", "a token refused a transfer; check balance, allowance and the token's block list"),
        ("TransferFromFailed()", "a token refused to be pulled; check balance, allowance and the token's block list"),
        ("ApproveFailed()", "a token refused an allowance; do not trade this token there"),
        # Permit2
        ("AllowanceExpired(uint256 deadline)", "the Permit2 allowance ended at {deadline}; permit again"),
        ("InsufficientAllowance(uint256 amount)", "Permit2 allows only {amount}; permit more or trade less"),
        (
            "SignatureExpired(uint256 signatureDeadline)",
            "the Permit2 signature ended at {signatureDeadline}; sign again",
        ),
        ("InvalidNonce()", "the Permit2 nonce was used already; sign again"),
        ("InvalidAmount(uint256 maxAmount)", "more was pulled than the Permit2 signature's {maxAmount}; sign again"),
        ("InvalidSigner()", "the Permit2 signature is not the owner's, or not of this plan; sign again"),
        ("InvalidSignature()", "the Permit2 signature cannot be read; sign again"),
        ("InvalidSignatureLength()", "the Permit2 signature has the wrong length; sign again"),
        ("InvalidContractSignature()", "the owner's contract does not confirm the Permit2 signature; sign again"),
    )
)

PANICS: Final = {
    0x00: "an internal check of the compiler failed",
    0x01: "an assertion failed",
    0x11: "arithmetic overflow or underflow",
    0x12: "division by zero",
    0x21: "a number out of an enumeration's range",
    0x22: "a damaged storage byte array",
    0x31: "pop from an empty array",
    0x32: "an array index out of bounds",
    0x41: "too much memory asked for",
    0x51: "a call to an unset internal function",
}

_TEXTS: Final = {
    # Uniswap v2
    "UniswapV2: K": "the v2 pair was paid less than its price; a token takes a fee on transfer or the plan is stale",
    "UniswapV2: LOCKED": "the v2 pair was called again while at work; a token is hostile",
    "UniswapV2: INSUFFICIENT_OUTPUT_AMOUNT": "the v2 pair would pay nothing for so little; sell more",
    "UniswapV2: INSUFFICIENT_LIQUIDITY": "the v2 pair holds too little; sell less",
    "UniswapV2: INSUFFICIENT_INPUT_AMOUNT": "the v2 pair was paid nothing",
    "UniswapV2: TRANSFER_FAILED": "the v2 pair could not send its token; the token may block an account",
    "UniswapV2: OVERFLOW": "the v2 pair's reserves would exceed 112 bits; sell less",
    # Uniswap v3
    "IIA": "the v3 pool was not paid in full; the token takes a fee on transfer",
    "SPL": "the v3 pool's price is beyond the limit already; it has no liquidity left on this side",
    "AS": "the v3 pool refuses to swap nothing; give an amount",
    "LOK": "the v3 pool is not initialised, or was called again while at work",
    "TF": "the v3 pool could not send its token; the token may block an account",
    "LS": "the v3 pool's liquidity would fall below zero",
    "LA": "the v3 pool's liquidity would exceed 128 bits",
    "STF": "a transfer from the payer failed; check balance and allowance",
    "Too little received": "the router's minimum output was missed; make a new plan",
    # Solidly
    "K": "the Solidly pool was paid less than its price; a token takes a fee on transfer or the plan is stale",
    "IIA()": "the Solidly pool was paid nothing",
    # Tokens
    "ERC20: transfer amount exceeds balance": "a token balance is too low; fund it or trade less",
    "ERC20: transfer amount exceeds allowance": "a token allowance is too low; approve more or trade less",
    "ERC20: insufficient allowance": "a token allowance is too low; approve more or trade less",
    "Dai/insufficient-balance": "a DAI balance is too low; fund it or trade less",
    "Dai/insufficient-allowance": "a DAI allowance is too low; approve more or trade less",
    "TRANSFER_FROM_FAILED": "a transfer from the payer failed; check balance and allowance",
    "Blacklistable: account is blacklisted": "the token's issuer has blocked an account of this transfer",
    "Pausable: paused": "the contract is paused by its operators; try another venue",
    # Curve
    "Exchange resulted in fewer coins than expected": "the Curve pool's minimum was missed; make a new plan",
    "Slippage": "the Curve pool's minimum was missed; make a new plan",
    # Aave v3, which gives numbers
    "13": "if Aave's: the flash loan's receiver did not confirm it",
    "27": "if Aave's: the reserve is inactive; borrow another token",
    "29": "if Aave's: the reserve is paused; borrow another token",
    "91": "if Aave's: flash loans of this token are switched off; borrow another",
}

_BALANCER: Final = {
    "000": "an addition overflowed",
    "001": "a subtraction went below zero",
    "003": "a multiplication overflowed",
    "004": "a division by zero",
    "006": "the base of a power is out of range",
    "007": "the exponent of a power is out of range",
    "100": "a value is out of bounds",
    "304": "the amount exceeds 30 % of the pool's balance of the token sold; sell less",
    "305": "the amount exceeds 30 % of the pool's balance of the token bought; buy less",
    "309": "the token is not in the pool",
    "321": "the stable invariant did not converge",
    "322": "the stable balance did not converge",
    "327": "swaps are switched off in this pool",
    "400": "the vault was called again while at work; a token is hostile",
    "401": "the sender is not allowed",
    "402": "the contract is paused by its operators; try another venue",
    "406": "a balance is too low",
    "407": "an allowance is too low",
    "414": "a token allowance is too low",
    "416": "a token balance is too low",
    "418": "a token transfer failed",
    "500": "there is no pool of this id",
    "507": "the swap's limit was missed; make a new plan",
    "508": "the swap's deadline has passed; make a new plan",
    "509": "both tokens are the same",
    "510": "the first swap's amount is unknown",
    "521": "the token is not registered in the pool",
}

_ERROR_STRING: Final = keccak(b"Error(string)")[:4]
_PANIC: Final = keccak(b"Panic(uint256)")[:4]
_BALANCER_CODE: Final = re.compile(r"BAL#(\d{3})")
_LONGEST_TEXT: Final = 200
_WRAPPED: Final = frozenset({"reason", "inner", "returnData", "revertData"})
"""What errors call the revert data, of type bytes, that they pass on."""
_DEEPEST: Final = 8
"""Errors within errors that are taken apart; beyond, data is shown as it is."""


def _by_selector(errors: Iterable[KnownError]) -> dict[bytes, KnownError]:
    return {error.selector: error for error in errors}


_KNOWN: Final = _by_selector((*PROTOCOL_ERRORS, *OUR_ERRORS))


def known_errors(name: str | None = None) -> tuple[KnownError, ...]:
    """All errors that have a sentence here, or those of one name."""
    return tuple(error for error in (*OUR_ERRORS, *PROTOCOL_ERRORS) if name in (None, error.name))


def explain_revert(data: bytes) -> RevertReason:
    """Say what revert data means. Never raises: what is unknown or damaged is shown as hex."""
    return _explain(data, 0)


def _explain(data: bytes, depth: int) -> RevertReason:
    if not data:
        return RevertReason("", {}, "reverted without a reason; out of gas, or a contract that gives none", known=False)
    selector, body = data[:4], data[4:]
    try:
        if selector == _ERROR_STRING:
            return _explain_text(_text(body))
        if selector == _PANIC:
            return _explain_panic(int(decode(["uint256"], body)[0]))
        if selector in _KNOWN:
            return _explain_known(_KNOWN[selector], body, depth)
    except (DecodingError, OverflowError):
        return RevertReason(f"0x{selector.hex()}", {}, f"reverted with damaged data {_hex(data)}", known=False)
    sentence = f"reverted with the unknown error {_hex(data)}"
    return RevertReason(f"0x{selector.hex()}", {"data": body}, sentence, known=False)


def _text(body: bytes) -> str:
    (raw,) = decode(["bytes"], body)
    return bytes(raw).decode("utf-8", errors="replace")


def _explain_text(text: str) -> RevertReason:
    arguments = {"message": text}
    if code := _BALANCER_CODE.fullmatch(text):
        meaning = _BALANCER.get(code[1], "see Balancer's list of error codes")
        return RevertReason(text, arguments, f"Balancer refused with {text}: {meaning}")
    if text in _TEXTS:
        return RevertReason(text, arguments, f"{_TEXTS[text]} ({text})")
    shown = text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT] + "…"
    return RevertReason("Error", arguments, f"reverted with the message {shown!r}")


def _explain_panic(code: int) -> RevertReason:
    return RevertReason(
        "Panic", {"code": code}, f"a contract panicked: {PANICS.get(code, 'unknown code')} ({code:#04x})"
    )


def _explain_known(error: KnownError, body: bytes, depth: int) -> RevertReason:
    values = decode([kind for kind, _ in error.parameters], body)
    arguments = {name: _readable(kind, value) for (kind, name), value in zip(error.parameters, values, strict=True)}
    shown = {name: _shown(value) for name, value in arguments.items()}
    cause = None
    for kind, name in error.parameters:
        if kind == "bytes" and name in _WRAPPED and depth < _DEEPEST:
            cause = _explain(arguments[name], depth + 1)
            shown[name] = cause.sentence
    return RevertReason(error.name, arguments, error.sentence.format_map(shown), cause=cause)


def _shown(value: Any) -> Any:
    if isinstance(value, str) and not value.isprintable():
        return repr(value)
    return _hex(value) if isinstance(value, bytes) else value


def _readable(kind: str, value: Any) -> Any:
    return to_checksum_address(value) if kind == "address" else value


def _hex(data: bytes) -> str:
    digits = data.hex()
    return f"0x{digits}" if len(digits) <= _LONGEST_TEXT else f"0x{digits[:_LONGEST_TEXT]}… ({len(data)} bytes)"
