"""The cases of the kit, one module for each part of the standard; they must not keep state between them."""
