import { loadEnv, type Plugin } from "vite";
import { defineConfig } from "vitest/config";

/** The server of `npm run dev` passes everything but the client itself to a running Traceward. */
const server = loadEnv("development", ".", "TRACEWARD_")["TRACEWARD_URL"] ?? "http://127.0.0.1:8000";
const serverPaths = ["/session", "/config", "/scan", "/consignment", "/trace", "/live", "/setup"];

/** Tells the service worker which files this build is made of, under a name that changes with any of them. */
const listedForOffline: Plugin = {
  name: "traceward-offline",
  apply: "build",
  generateBundle: {
    order: "post",
    async handler(_options, bundle) {
      const worker = bundle["sw.js"];
      const shell = bundle["index.html"];
      if (worker?.type !== "chunk" || shell?.type !== "asset") throw new Error(`expected sw.js and index.html in the bundle; it holds ${Object.keys(bundle).join(", ")}`);
      const assets = Object.keys(bundle).filter((name) => name.startsWith("assets/")).sort();
      // Names of assets carry their content; the page itself and the worker's own code are added.
      const content = new TextEncoder().encode([...assets, String(shell.source), worker.code].join("\n"));
      const digest = [...new Uint8Array(await crypto.subtle.digest("SHA-256", content))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
      const files = ["", "icon.svg", ...assets].map((name) => `/app/${name}`);
      worker.code = worker.code.replace("__TRACEWARD_FILES__", JSON.stringify(files)).replace("__TRACEWARD_BUILD__", JSON.stringify(digest.slice(0, 16)));
    },
  },
};

/** The licences of the packages whose code is in this build, which ask to be passed on with it. */
const licences: Plugin = {
  name: "traceward-licences",
  apply: "build",
  generateBundle: {
    order: "pre",
    async handler(_options, bundle) {
      const files = Object.values(bundle).flatMap((one) => (one.type === "chunk" ? one.moduleIds : (one.originalFileNames ?? [])));
      const folders = [...files, "node_modules/zxing-wasm/"].flatMap((file) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? []);
      const texts = [...new Set(folders)].sort().map(async (name) => {
        const told = JSON.parse(await this.fs.readFile(`node_modules/${name}/package.json`, { encoding: "utf8" })) as { version: string; license: string };
        const [licence] = (await this.fs.readdir(`node_modules/${name}`)).filter((file) => /^licen[cs]e/i.test(file));
        if (licence === undefined) throw new Error(`node_modules/${name} holds no licence text; expected LICENSE`);
        return `${name} ${told.version} (${told.license})\n\n${await this.fs.readFile(`node_modules/${name}/${licence}`, { encoding: "utf8" })}`;
      });
      const source = [OWN_LICENCE, ZXING, ...(await Promise.all(texts))].join(`\n${"-".repeat(80)}\n\n`);
      this.emitFile({ type: "asset", fileName: "licences.txt", source });
    },
  },
};

const OWN_LICENCE = "Traceward is licensed under the Apache License 2.0, https://www.apache.org/licenses/LICENSE-2.0.\nIts web pages contain code of the packages below.\n";
const ZXING = "zxing-cpp (Apache-2.0), https://github.com/zxing-cpp/zxing-cpp, is compiled into the reader of zxing-wasm.\n";

export default defineConfig({
  base: "/app/",
  plugins: [licences, listedForOffline],
  build: {
    outDir: "../src/traceward/web/static",
    emptyOutDir: true,
    target: "es2022",
    // No data: URIs and no inline polyfill: the Content-Security-Policy allows files of this server only.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 400,
    rollupOptions: {
      input: { index: "index.html", sw: "src/sw.ts" },
      // A service worker has one address for ever; its browser looks there for the next build.
      output: { entryFileNames: ({ name }) => (name === "sw" ? "sw.js" : "assets/[name]-[hash].js") },
    },
  },
  worker: { format: "es" },
  server: { proxy: Object.fromEntries(serverPaths.map((path) => [path, server])) },
  test: { include: ["tests/**/*.test.ts"] },
});
