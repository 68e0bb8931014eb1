/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Changes of an exported object, as they come from its end: a stream that is opened again each time the exporter begins
 * to listen, until the transport has ended. The first item of each stream is complete: all properties that are
 * followed, and the length of a list.
 *
 * Owner:   the opener, which closes it.
 * Threads: the main context that was the opening thread's default one; its functions are called there. Where another
 *          thread closes it, a function may be running, or be called once more.
 * Trust:   an item has the type FERRY_SUBSCRIPTION_ITEM_TYPE, and any content. */

#pragma once

#include "object/ferry-object-message-private.h"
#include "object/ferry-proxy-session-private.h"

G_BEGIN_DECLS

typedef struct _FerrySubscription FerrySubscription;

typedef struct
{
  /* May close the subscription. */
  void (*item) (gpointer data, GVariant *item, gboolean is_first);
  /* (nullable): nothing comes for now, since the exporter does not listen, or ever, with the reason; it may close the
   * subscription. FERRY_ERROR_UNKNOWN_OBJECT and the like count as ever; a first item may follow nevertheless, when
   * the name stands for another object. */
  void (*silent) (gpointer data, const GError *reason, gboolean for_ever);
  /* (nullable): on any thread, once neither of the two is called any more. */
  void (*destroy) (gpointer data);
} FerrySubscriptionFuncs;

/* What a subscription is of. */
typedef struct
{
  FerryProxySession *session; /* (nullable): where there is none, there is refusal */
  FerryObjectRoot root;
  FerryProxy *other; /* (owned) (nullable): lives as long as the subscription */
  GError *refusal;   /* (owned) (nullable): why there is nothing to follow: the subscription is silent from the
                      * beginning */
} FerrySubscriptionSource;

/* Takes what source owns. properties and signals: (nullable), NULL-terminated. For a proxy:
 * ferry_proxy_open_subscription(). */
FerrySubscription *ferry_subscription_open (const FerrySubscriptionSource *source, const char *const *properties,
                                            const char *const *signals, gboolean list,
                                            const FerrySubscriptionFuncs *funcs, gpointer data);
/* On the context's thread, no function is called any more. */
void ferry_subscription_close (FerrySubscription *self);

G_END_DECLS
