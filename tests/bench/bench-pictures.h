/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Pictures as a camera leaves them in a folder, made from a seed: 640 × 480 to 2000 × 1500 pixels of gradients, spots
 * and noise; three of four are JPEG, the rest PNG. The same seed gives the same pictures. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A new folder with n pictures, which all processors make. What does not go well ends the bench. */
char *bench_pictures_make (guint n, guint32 seed) G_GNUC_WARN_UNUSED_RESULT;
/* Frees the name too. */
void bench_pictures_remove (char *folder);
/* The pictures' files, in order. (transfer full) (element-type filename) */
GPtrArray *bench_pictures_list (const char *folder) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
