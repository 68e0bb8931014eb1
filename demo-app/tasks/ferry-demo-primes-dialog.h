/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* Asks up to which number primes are to be counted. Signal "chosen" (guint64 limit). */

#define FERRY_DEMO_TYPE_PRIMES_DIALOG (ferry_demo_primes_dialog_get_type ())
G_DECLARE_FINAL_TYPE (FerryDemoPrimesDialog, ferry_demo_primes_dialog, FERRY_DEMO, PRIMES_DIALOG, GtkWindow)

GtkWidget *ferry_demo_primes_dialog_new (GtkWindow *parent) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
