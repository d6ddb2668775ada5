// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {SessionChain} from "./SessionChain.sol";

/// @notice What the tests need of a Safe 1.5.
interface ISafeUnderTest {
    function setup(
        address[] calldata owners,
        uint256 threshold,
        address to,
        bytes calldata data,
        address fallbackHandler,
        address paymentToken,
        uint256 payment,
        address payable paymentReceiver
    ) external;
    function execTransaction(
        address to,
        uint256 value,
        bytes calldata data,
        uint8 operation,
        uint256 safeTxGas,
        uint256 baseGas,
        uint256 gasPrice,
        address gasToken,
        address payable refundReceiver,
        bytes calldata signatures
    ) external payable returns (bool success);
    function getTransactionHash(
        address to,
        uint256 value,
        bytes calldata data,
        uint8 operation,
        uint256 safeTxGas,
        uint256 baseGas,
        uint256 gasPrice,
        address gasToken,
        address refundReceiver,
        uint256 nonce
    ) external view returns (bytes32);
    function nonce() external view returns (uint256);
    function enableModule(address module) external;
    function getMessageHash(bytes calldata message) external view returns (bytes32);
}

interface ISafeFactory {
    function createProxyWithNonce(address singleton, bytes calldata initializer, uint256 saltNonce)
        external
        returns (address);
}

interface IMultiSend {
    function multiSend(bytes calldata transactions) external;
}

/// @notice A Safe 1.5 of two owners out of three, as published, which owns the executor.
abstract contract Safes is SessionChain {
    string private constant SAFE_BUILD = "node_modules/@safe-global/safe-smart-account/build/artifacts/contracts/";
    uint8 internal constant CALL = 0;
    uint8 internal constant DELEGATECALL = 1;

    ISafeUnderTest internal safe;
    IMultiSend internal multiSend;
    uint256[] internal signers;

    function setUp() public virtual override {
        super.setUp();
        multiSend = IMultiSend(_build("libraries/MultiSendCallOnly.sol/MultiSendCallOnly.json"));
        address singleton = _build("Safe.sol/Safe.json");
        address factory = _build("proxies/SafeProxyFactory.sol/SafeProxyFactory.json");
        address handler = _build("handler/CompatibilityFallbackHandler.sol/CompatibilityFallbackHandler.json");
        address[] memory owners = new address[](3);
        for (uint256 i = 0; i < 3; ++i) {
            (address owner, uint256 key) = makeAddrAndKey(string.concat("signer", vm.toString(i)));
            owners[i] = owner;
            signers.push(key);
        }
        bytes memory start = abi.encodeCall(
            ISafeUnderTest.setup, (owners, 2, address(0), "", handler, address(0), 0, payable(address(0)))
        );
        safe = ISafeUnderTest(ISafeFactory(factory).createProxyWithNonce(singleton, start, 0));
        vm.prank(desk);
        executor.offerOwnership(address(safe));
        assertTrue(_safeSends(address(executor), abi.encodeCall(executor.acceptOwnership, ()), CALL));
    }

    function _safeSends(address to, bytes memory data, uint8 operation) internal returns (bool) {
        bytes32 digest = safe.getTransactionHash(to, 0, data, operation, 0, 0, 0, address(0), address(0), safe.nonce());
        return
            safe.execTransaction(
                to, 0, data, operation, 0, 0, 0, address(0), payable(address(0)), _safeSignature(digest)
            );
    }

    /// @dev Of two owners, in order of their addresses.
    function _safeSignature(bytes32 digest) internal view returns (bytes memory) {
        (uint256 first, uint256 second) = (signers[0], signers[1]);
        if (vm.addr(first) > vm.addr(second)) (first, second) = (second, first);
        return abi.encodePacked(_signature(first, digest), _signature(second, digest));
    }

    function _piece(address to, bytes memory data) internal pure returns (bytes memory) {
        return abi.encodePacked(CALL, to, uint256(0), data.length, data);
    }

    function _build(string memory path) private returns (address) {
        return _deploy(string.concat(SAFE_BUILD, path), "");
    }
}
