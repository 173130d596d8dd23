import { loadEnv } from "vite";
import { defineConfig } from "vitest/config";

/** The server of `npm run dev` passes everything but the client itself to a running Traceward. */
const server = loadEnv("development", ".", "TRACEWARD_")["TRACEWARD_URL"] ?? "http://127.0.0.1:8000";
const serverPaths = ["/session", "/config", "/scan", "/consignment", "/trace", "/live", "/setup"];

export default defineConfig({
  base: "/app/",
  build: {
    outDir: "../src/traceward/web/static",
    emptyOutDir: true,
    target: "es2022",
    // No data: URIs and no inline polyfill: the Content-Security-Policy allows files of this server only.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 400,
  },
  worker: { format: "es" },
  server: { proxy: Object.fromEntries(serverPaths.map((path) => [path, server])) },
  test: { include: ["tests/**/*.test.ts"] },
});
