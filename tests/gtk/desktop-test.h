/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A desktop of the test's own: a bus, and on it the services that an application tells of its work.
 *
 * Each call, and each signal to the dock, becomes a line: the last part of the interface, the method and the arguments
 * as text, such as "Notifications.CloseNotification (uint32 1,)".
 *
 * Threads: the desktop answers on a thread of its own, as GTK waits for some of its answers. */

#pragma once

#include "ferry-test.h"

G_BEGIN_DECLS

/* A process connects to its session once: runs the test in a process of its own, where there is a bus to be had. */
void desktop_test_add (const char *path, void (*test) (void));

/* Starts bus and services, and registers an application that is the default one. */
void desktop_test_begin (void);
/* An application without a session. */
void desktop_test_begin_without (void);
void desktop_test_end (void);

/* From now on, that method is answered by an error. */
void desktop_test_refuse (const char *method);
/* Waits for a line with these words; returns it, and forgets the lines before it. */
char *desktop_test_wait (const char *words) G_GNUC_WARN_UNUSED_RESULT;
/* The same where the line says nothing more. */
void desktop_test_await (const char *words);
/* Whether there is such a line among those that nobody has waited for. */
gboolean desktop_test_has (const char *words);
/* The user cancels the job in the list of jobs. */
void desktop_test_cancel_job (void);

G_END_DECLS
