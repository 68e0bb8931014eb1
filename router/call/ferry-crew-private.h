/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Those who answer for a demux: what was asked and waits, the handlers, and the threads or the main context that run
 * them. Counted references; any thread, where nothing else is said. */

#pragma once

#include <gio/gio.h>

#include "call/ferry-handler-table-private.h"

G_BEGIN_DECLS

typedef enum
{
  FERRY_CREW_PLACE_THREADS,
  FERRY_CREW_PLACE_RECEIVING,
  FERRY_CREW_PLACE_CONTEXT,
} FerryCrewPlace;

typedef struct _FerryCrew FerryCrew;

/* As g_thread_try_new(). */
typedef GThread *(*FerryCrewStartThreadFunc) (const char *name, GThreadFunc func, gpointer data, GError **error);

FerryCrew *ferry_crew_new (void);
void ferry_crew_unref (FerryCrew *self);

void ferry_crew_set_handler (FerryCrew *self, const char *method, FerryHandler *handler);
/* Where handlers run: on at most n_threads, of which an idle one ends after idle_time microseconds, or never where that
 * is negative; or on context, (nullable). Returns FALSE where it is open, and so too late. */
gboolean ferry_crew_set_place (FerryCrew *self, FerryCrewPlace place, guint n_threads, gint64 idle_time,
                               GMainContext *context);
/* How many requests may wait, and how many bytes of arguments; one request may always. Each returns whether that
 * changed anything. */
gboolean ferry_crew_set_max_pending (FerryCrew *self, guint max_pending);
guint ferry_crew_get_max_pending (FerryCrew *self);
gboolean ferry_crew_set_max_pending_size (FerryCrew *self, guint64 max_pending_size);
guint64 ferry_crew_get_max_pending_size (FerryCrew *self);
guint ferry_crew_get_n_pending (FerryCrew *self);

gboolean ferry_crew_is_open (FerryCrew *self);
/* Each returns whether that changed anything. close() answers what waits. */
gboolean ferry_crew_open (FerryCrew *self);
gboolean ferry_crew_close (FerryCrew *self);
/* Takes invocation over. */
void ferry_crew_take (FerryCrew *self, FerryInvocation *invocation);
/* Completes task, which is taken over, when what was begun before the last close() has returned. */
void ferry_crew_wait_quiet (FerryCrew *self, GTask *task);
/* Gives task back, which the caller has a reference to, uncompleted. Returns FALSE where it was completed. */
gboolean ferry_crew_stop_waiting (FerryCrew *self, GTask *task);

/* For tests. */
guint ferry_crew_get_n_threads (FerryCrew *self);
/* Whether all handlers have returned that were begun before the last close(), and the threads are gone. */
gboolean ferry_crew_is_quiet (FerryCrew *self);
/* For tests: while nothing runs. */
void ferry_crew_set_idle_time (FerryCrew *self, gint64 idle_time);
void ferry_crew_set_start_thread_func (FerryCrew *self, FerryCrewStartThreadFunc start_thread);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryCrew, ferry_crew_unref)

G_END_DECLS
