/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Threads that use the NATS library. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Starts a thread that has data until it has ended. end: called as the process ends, on any thread, with a lock: it has
 * func return, which is waited for a moment. release: called when neither of the two is called any more, unless no
 * thread could be started. purpose: what the thread is for; it goes into the error's text. Fails with
 * FERRY_ERROR_SYSTEM. Any thread. */
gboolean ferry_nats_thread_start (const char *name, const char *purpose, GThreadFunc func, gpointer data,
                                  void (*end) (gpointer data), GDestroyNotify release, GError **error);

G_END_DECLS
