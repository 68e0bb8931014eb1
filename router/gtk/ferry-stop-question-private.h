/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The dialog that asks whether tasks shall be stopped, or, of a queue, go on when the application is started again.
 * The thread that runs GTK. */

#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define FERRY_TYPE_STOP_QUESTION (ferry_stop_question_get_type ())
G_DECLARE_FINAL_TYPE (FerryStopQuestion, ferry_stop_question, FERRY, STOP_QUESTION, GtkWindow)

/* Emits `stop` where the answer is yes, and then is destroyed, as with any other answer. */
FerryStopQuestion *ferry_stop_question_new (GtkWindow *parent) G_GNUC_WARN_UNUSED_RESULT;
/* n: tasks of queues whose file cannot be written; why: (transfer none): the reason. */
void ferry_stop_question_set_unstored (FerryStopQuestion *self, guint n, const GError *why);
/* n_lost: those that do not go on; n_kept: those of queues. */
void ferry_stop_question_set_n_tasks (FerryStopQuestion *self, guint n_lost, guint n_kept);

G_END_DECLS
