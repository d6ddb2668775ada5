// tines' answers for a list of orders over constant-product and concentrated pools, with the time of each.
//
// Usage: node tines_routes.mjs FOLDER REQUEST REPLY, where FOLDER holds node_modules. The request is a JSON object:
// tokens [{address, symbol, decimals}], base (the coin's token), pools (see `poolOf`), orders [{from, to, amount}],
// gasPrice in wei per gas, flows (a number, or null for the automatic count).
// The reply: per order the status, tines' own outputs (floats), and legs [pool, from, to, share of what is left].
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

process.env.NODE_ENV = "production"; // its self-checks are off, as where it is deployed
const [folder, requestFile, replyFile] = process.argv.slice(2);
const require = createRequire(path.resolve(folder, "package.json"));
const tines = require("@sushiswap/tines");

const request = JSON.parse(readFileSync(requestFile, "utf8"));
const tokens = new Map(
  request.tokens.map(({ address, symbol, decimals }) => [
    address,
    { name: symbol, symbol, address, decimals, chainId: 1 },
  ]),
);

function poolOf(state) {
  const [token0, token1] = state.tokens.map((address) => tokens.get(address));
  const [reserve0, reserve1] = state.reserves.map(BigInt);
  if (state.ticks === undefined) {
    return new tines.ConstantProductRPool(state.address, token0, token1, state.fee, reserve0, reserve1);
  }
  const ticks = state.ticks.map(([index, net]) => ({ index, DLiquidity: BigInt(net) }));
  return new tines.UniV3Pool(
    state.address, token0, token1, state.fee, reserve0, reserve1,
    state.tick, BigInt(state.liquidity), BigInt(state.sqrtPriceX96), ticks,
  );
}

const pools = request.pools.map(poolOf);
const base = tokens.get(request.base);

function answer({ from, to, amount }) {
  const started = performance.now();
  const route = tines.findMultiRouteExactIn(
    tokens.get(from), tokens.get(to), BigInt(amount), pools, base, request.gasPrice, request.flows ?? undefined,
  );
  const ms = performance.now() - started;
  return {
    ms,
    status: route.status,
    amountOut: route.amountOut,
    totalAmountOut: route.totalAmountOut,
    gasSpent: route.gasSpent,
    legs: route.legs.map((leg) => [leg.poolAddress, leg.tokenFrom.address, leg.tokenTo.address, leg.swapPortion]),
  };
}

console.error = () => {}; // it reports what it meets in its own data
console.assert = () => {};
for (const order of request.orders.slice(0, request.warm ?? 0)) answer(order);
writeFileSync(replyFile, JSON.stringify(request.orders.map(answer)));
