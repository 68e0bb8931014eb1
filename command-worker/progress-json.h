/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads one JSON object, as programs print them in a line. Any thread. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A string (valid UTF-8, without zeros), or a number, true, false or null as it stands there. What is in a list has the
 * path of the list. */
typedef void (*ProgressJsonFunc) (const char *path, const char *value, gpointer data);

gboolean progress_json_read (const char *text, gsize length, ProgressJsonFunc take, gpointer data);

G_END_DECLS
