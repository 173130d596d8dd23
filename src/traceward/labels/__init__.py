"""Labels to print: GS1 DataMatrix and GS1-128 symbols with their human readable text, as SVG and PDF; reads none."""
