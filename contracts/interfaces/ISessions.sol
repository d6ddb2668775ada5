// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @title Keys that may run some plans and not others
/// @notice A session is what the owner granted to a key, until it expires or is revoked. Its plans are read leg by leg
/// before they run, and what they did is counted after. Everything that is not granted is refused.
interface ISessions {
    /// @param kind A leg kind; hops of an exact output are asked for under that of concentrated pools.
    /// @param id What the kind's legs deal with. Constant product, concentrated, Solidly: the registry's identifier.
    /// Uniswap v4: keccak256 of the lower token, the higher token and the leg's seven bytes, packed. Curve: the pool.
    /// Balancer v2: the pool's identifier. Quotes: the maker. Bridges: keccak256 of the recipient and the chain's
    /// identifier, as `abi.encode` has them. Others from kind 10 on: the address that the leg's particulars begin with;
    /// wrapping has none and needs none.
    struct GrantedVenue {
        uint8 kind;
        bytes32 id;
    }

    /// @param token What may fall; zero is the native coin.
    /// @param limit Base units that plans may make it fall by within any `period` seconds.
    /// @param period Seconds. Counted in thirds of it, of which the running one and three before count: never more than
    /// the limit within a period, wherever it begins, and after at most four thirds all of the limit is free again.
    struct GrantedSpend {
        address token;
        uint128 limit;
        uint32 period;
    }

    /// @param expiry Last second, in Unix time, at which the key may run plans.
    /// @param kinds Bit `k` for leg kind `k`.
    /// @param mostLossBps By how much less than the reference value of what fell a plan may earn, in 1 / 10,000. At 10,000
    /// nothing is compared and no feeds are needed: the key may then lose all that it may spend, over a bridge too. Below
    /// that, every token that is listed must have a feed that answers when the session is granted, and what is bridged
    /// one for what is asked for on the other chain; and a plan that borrows has no other leg, and borrows where it is free.
    /// @param mayPull Whether plans may take the owner's own funds by its standing allowance.
    /// @param gasBudget Most native coin, in wei and in all, that its ERC-4337 operations may cost the account. What an
    /// operation may cost counts, not what it did. None is needed where a paymaster pays.
    struct Grant {
        uint40 expiry;
        uint32 kinds;
        uint16 mostLossBps;
        bool mayPull;
        uint96 gasBudget;
        GrantedVenue[] venues;
        GrantedSpend[] spends;
        address[] rises;
    }

    error SessionExpired(address key, uint256 expiry, uint256 timestamp);
    error SessionRevoked(address key);
    /// @notice The account has had another owner since that grant.
    error FormerOwners(address key, uint256 grant);
    /// @notice The owner, the account itself, its entry point or nobody, who need no session.
    error BadKey(address key);
    error BadGrant(uint256 expiry, uint256 mostLossBps);
    error BadSpend(address token, uint256 limit, uint256 period);
    error KindNotGranted(address key, uint256 at, uint256 kind);
    error VenueNotGranted(address key, uint256 at, uint256 kind, bytes32 venue);
    error FallNotGranted(address key, address token);
    error RiseNotGranted(address key, address token);
    /// @notice A session's plan names an asset twice, which would count it twice.
    error AssetTwice(address token);
    error PullNotGranted(address key);
    error SpendLimit(address key, address token, uint256 spent, uint256 free);
    error BelowReference(address key, uint256 earned, uint256 least);
    error FeedMissing(address token);
    /// @notice Nothing says what that token of another chain is worth.
    error FarFeedMissing(uint256 chainId, address token);
    /// @notice A session's plan that is held to a reference bridges an asset and sends it by another leg too, so that what
    /// either sent could not be told apart.
    error BridgeNotAlone(address key, uint256 at);
    /// @notice A session's plan that is held to a reference borrows and has another leg too, which what is earned within the
    /// loan would pay for once more.
    error LoanNotAlone(address key, uint256 at);
    /// @notice A session's plan that is held to a reference borrows where loans have a fee.
    error LoanCosts(address key, uint256 at);
    error BadFeed(address token, address feed, uint256 decimals, uint256 maxAge);
    error FeedStale(address feed, uint256 updatedAt, uint256 timestamp);
    error FeedAnswer(address feed, int256 answer);
    error ValueOverflow(address token, uint256 amount);
    /// @notice A function that only the executor's own code calls, while a plan runs.
    error OnlyWithinPlan();

    event SessionGranted(address indexed key, uint256 indexed grant, uint40 expiry, uint32 kinds);
    event SessionEnded(address indexed key, uint256 indexed grant, address indexed by);
    event PriceFeedSet(address indexed token, address feed, uint32 maxAge);
    event FarPriceFeedSet(uint64 indexed chainId, address indexed token, address feed, uint32 maxAge, uint8 decimals);

    /// @notice Lets a key run plans within these bounds. Whatever it was granted before is gone, limits begin anew, and
    /// what it signed before holds no longer. It ends with the owner that granted it. By the owner.
    /// @return grant Counts the grants of the account; none has the number of another.
    function grantSession(address key, Grant calldata terms) external returns (uint256 grant);

    /// @notice From this call on the key runs nothing: not the next plan of a batch that is running, nor anything it
    /// signed. By the owner or the guardian, at any time.
    function revokeSession(address key) external;

    /// @notice Names the feed that says what a token is worth, or with zero none. All feeds must answer in one currency. By
    /// the owner.
    /// @param feed Answers `latestRoundData` and `decimals` as Chainlink's do.
    /// @param maxAge Seconds after which its answer no longer counts.
    function setReference(address token, address feed, uint32 maxAge) external;

    /// @notice Names the feed on this chain that says what a token on another one is worth, or with zero none. A session that
    /// is held to a reference bridges into no other. By the owner, who must see that the token is what it is taken for.
    /// @param chainId As the bridge's orders name it.
    /// @param decimals The token's on that chain.
    function setFarReference(uint64 chainId, address token, address feed, uint32 maxAge, uint8 decimals) external;

    /// @notice The key's last grant. Its expiry is zero if it was revoked or the owner has changed, and its count if there
    /// never was one.
    function session(address key)
        external
        view
        returns (uint256 grant, uint40 expiry, uint32 kinds, uint16 mostLossBps, bool mayPull, uint96 gasBudget);

    /// @notice Whether legs of a kind may deal with it now: not once the session has ended.
    function mayUseVenue(address key, uint8 kind, bytes32 id) external view returns (bool);

    /// @notice Whether a token may rise now.
    function mayRise(address key, address token) external view returns (bool);

    /// @notice The key's limit for a token, zero for none or once the session has ended, and how many base units of it are free now.
    function spending(address key, address token) external view returns (uint128 limit, uint32 period, uint256 free);

    function referenceFeed(address token) external view returns (address feed, uint32 maxAge);

    function farReferenceFeed(uint64 chainId, address token)
        external
        view
        returns (address feed, uint32 maxAge, uint8 decimals);
}

/// @notice Chainlink's, of which only these two are used.
interface IPriceFeed {
    function decimals() external view returns (uint8);
    function latestRoundData()
        external
        view
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound);
}
