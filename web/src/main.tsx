import { render } from "preact";
import { App } from "./app";
import { AI_TABLE } from "./gs1/table";
import { createBasket } from "./scan/basket";
import "./styles/base.css";
import "./styles/scan.css";
import "./styles/desktop.css";

const root = document.getElementById("app");
if (root) render(<App basket={createBasket(AI_TABLE)} table={AI_TABLE} />, root);
