/* Colours, and what a status word means: never colour alone, always beside the word. */
#pragma once

#include <stdbool.h>

/** Meanings that have a colour. */
enum style {
	STYLE_NONE,
	STYLE_GOOD,
	STYLE_BUSY,
	STYLE_WARN,
	STYLE_BAD,
	STYLE_DIM,
	STYLE_BOLD,
	STYLE_N_
};

/** Sequence that starts a style, "" without colours; static. */
const char *style_on(bool color, enum style style);
/** Sequence that ends every style, "" without colours; static. */
const char *style_off(bool color);
/** The meaning of a status word of any kind of object ("online", "failed"); STYLE_NONE for an
 * unknown word. */
enum style style_of_status(const char *word);
