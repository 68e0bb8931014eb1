/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the tests of pictures share: files of all kinds to decode. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The environment has workers crash at a picture of that size. */
#define PICTURE_TEST_CRASH_WIDTH 13
#define PICTURE_TEST_CRASH_HEIGHT 17

#define PICTURE_TEST_RED 0xff0000ffu
#define PICTURE_TEST_BLUE 0x0000ffffu

/* To be called first in main(). */
void picture_test_init (void);

/* A picture of one colour (red, green, blue, opacity), as JPEG or PNG, as the name ends. */
void picture_test_write (const char *folder, const char *name, int width, int height, guint32 colour);
/* The same, of a camera that was turned: upright it is as high as it says it is wide. JPEG. */
void picture_test_write_turned (const char *folder, const char *name, int width, int height);
/* A few bytes that say they are 60,000 × 60,000 pixels. */
void picture_test_write_bomb (const char *folder, const char *name);
/* One with bytes in its middle that are wrong. */
void picture_test_write_damaged (const char *folder, const char *name);
/* A JPEG or PNG file that ends in the last rows of the picture, as wide and high as that. */
void picture_test_write_cut_off (const char *folder, const char *name, int side);
void picture_test_write_crasher (const char *folder, const char *name);
/* n small ones: 000.png and so on. */
void picture_test_write_many (const char *folder, guint n);

G_END_DECLS
