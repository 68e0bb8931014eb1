/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: 0BSD */

#pragma once

#include <ferry-gtk.h>

#define CHECKSUMS_TYPE_WINDOW (checksums_window_get_type ())
G_DECLARE_FINAL_TYPE (ChecksumsWindow, checksums_window, CHECKSUMS, WINDOW, GtkApplicationWindow)

ChecksumsWindow *checksums_window_new (GtkApplication *application);

void checksums_window_open (ChecksumsWindow *self, GFile *file);
