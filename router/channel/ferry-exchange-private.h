/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the parts of an exchange share: ferry-exchange.c has the set and what comes, ferry-exchange-wait.c the waiting,
 * ferry-exchange-properties.c the settings.
 *
 * Threads:    the router's; without one, that which made it.
 * Invariants: a member is in the list exactly while its exchange is set. n_running counts the members that are not
 *             over; while it is at the limit, what is started or added waits in `waiting`, in order.
 * References: handlers may remove any channel, and drop the exchange: who calls them has both. */

#pragma once

#include "channel/ferry-channel-private.h"
#include "channel/ferry-exchange.h"
#include "route/ferry-home-private.h"
#include "task/ferry-waiters-private.h"

G_BEGIN_DECLS

/* A channel in an exchange. Counted references, by g_rc_box. */
typedef struct
{
  FerryExchange *exchange; /* (unowned) (nullable): NULL once it was removed */
  FerryChannel *channel;   /* const: (owned) */
  gboolean over;           /* its end was taken, and its worker has ended */
} FerryMember;

/* What waits for a worker to end: a function to be started, or a channel to be added. */
typedef struct
{
  char *function;      /* (owned) (nullable) */
  GVariant *arguments; /* (owned) (nullable) */
  GTask *call;         /* (owned) (nullable): of add_wait_async(), with the channel as its data */
  GSource *source;     /* (owned) (nullable): of the call's cancellable */
} FerryWaiting;

struct _FerryExchange
{
  GObject parent_instance;

  FerryHome *home;         /* const: (owned): the router's; without one, that of the thread that made the exchange */
  FerryRouter *router;     /* const: (owned) (nullable) */
  GMainContext *context;   /* const: (owned): without a router, what is iterated to wait */
  FerryLauncher *launcher; /* const: (owned) (nullable) */
  GListStore *active;      /* const: (owned) (element-type FerryChannel) */
  GHashTable *members;     /* const: (owned) (element-type FerryChannel FerryMember) */
  GQueue waiting;          /* (element-type FerryWaiting) (owned) */
  guint n_running;
  guint limit; /* 0: none */
  gboolean autoclose;
  gboolean flowing;
  gboolean starting;         /* start_waiting() is under way */
  GPtrArray *ready_waiters;  /* (nullable) (element-type FerryWaiter) */
  GPtrArray *finish_waiters; /* (nullable) (element-type FerryWaiter) */
};

void ferry_member_unref (FerryMember *self);
gboolean ferry_member_is_ready (FerryMember *self);
void ferry_waiting_free (FerryWaiting *self);
gboolean ferry_exchange_has_room (FerryExchange *self);
gboolean ferry_exchange_is_finished (FerryExchange *self);
/* Tells whoever waits for what is so by now. */
void ferry_exchange_tell (FerryExchange *self);
void ferry_exchange_line_up (FerryExchange *self, FerryWaiting *waiting);
/* Whether any member has something to take. */
gboolean ferry_exchange_has_ready (FerryExchange *self);

/* In ferry-exchange-properties.c. */
void ferry_exchange_install_properties (GObjectClass *object_class);
void ferry_exchange_notify_active (FerryExchange *self);
void ferry_exchange_notify_waiting (FerryExchange *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryMember, ferry_member_unref)

G_END_DECLS
