import { render } from "preact";
import { App } from "./app";
import { AI_TABLE } from "./gs1/table";
import { SetupPage } from "./pages/SetupPage";
import { createBasket } from "./scan/basket";
import "./styles/base.css";
import "./styles/scan.css";
import "./styles/desktop.css";
import "./styles/pages.css";
import "./styles/further.css";

// Over plain HTTP on a network there is no service worker: the pages then need the connection.
if (import.meta.env.PROD) addEventListener("load", () => void navigator.serviceWorker?.register("/app/sw.js", { scope: "/app/" }).catch(() => undefined));

const root = document.getElementById("app");
// The one-time link of a first run lies outside /app/: before it is used, nobody can sign in.
const page = location.pathname === "/setup" ? <SetupPage /> : <App basket={createBasket(AI_TABLE)} table={AI_TABLE} />;
if (root) render(page, root);
