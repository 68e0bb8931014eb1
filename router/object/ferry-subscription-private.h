/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The receiving end of an object's changes, as proxies and replicas have it. */

#pragma once

#include "object/ferry-proxy-session-private.h"

G_BEGIN_DECLS

typedef struct _FerrySubscription FerrySubscription;

typedef struct
{
  /* An item has come. The function may close the subscription. */
  void (*item) (gpointer data, GVariant *item, gboolean is_first);
  /* (nullable): no items come, for the given reason: until the exporter listens again, or for_ever. An error such as
   * FERRY_ERROR_UNKNOWN_OBJECT counts as for_ever; a first item still follows if the name gets an object later. The
   * function may close the subscription. */
  void (*silent) (gpointer data, const GError *reason, gboolean for_ever);
  /* (nullable): frees data. Called on any thread, after the last call of item and silent. */
  void (*destroy) (gpointer data);
} FerrySubscriptionFuncs;

/* The object that a subscription follows. */
typedef struct
{
  FerryProxySession *session; /* (owned) (nullable): with the exporter; NULL: refusal says why there is none */
  FerryObjectRoot root;
  GError *refusal; /* (owned) (nullable): why there is nothing to follow: silent is called with it, and no item comes */
} FerrySubscriptionSource;

/* Returns a new subscription. Takes what source owns. properties and signals: (nullable), NULL-terminated. A proxy's
 * subscription is opened by ferry_proxy_open_subscription(). */
FerrySubscription *ferry_subscription_open (const FerrySubscriptionSource *source, const char *const *properties,
                                            const char *const *signals, gboolean list,
                                            const FerrySubscriptionFuncs *funcs, gpointer data);
/* Closes the subscription, and drops the opener's reference. If the context's thread calls this, no function is
 * called any more. */
void ferry_subscription_close (FerrySubscription *self);

G_END_DECLS
