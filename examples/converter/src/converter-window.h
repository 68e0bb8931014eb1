/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: 0BSD */

#pragma once

#include <ferry-gtk.h>
#include <ferry-queue.h>

#define CONVERTER_TYPE_WINDOW (converter_window_get_type ())
G_DECLARE_FINAL_TYPE (ConverterWindow, converter_window, CONVERTER, WINDOW, GtkApplicationWindow)

void converter_window_open (ConverterWindow *self, GFile **files, guint n_files);
