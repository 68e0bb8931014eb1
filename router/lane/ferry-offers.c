/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "lane/ferry-offers-private.h"

#include "base/ferry-base-private.h"
#include "lane/ferry-stray-private.h"

FerryOffers *
ferry_offers_new (void)
{
  FerryOffers *self = g_new0 (FerryOffers, 1);

  self->descriptors = ferry_strays_new ();
  return self;
}

void
ferry_offers_free (FerryOffers *self)
{
  ferry_strays_free (self->descriptors);
  g_free (self->fault);
  g_free (self);
}

/* Before the worker is launched. */
void
ferry_offers_allow (FerryOffers *self, guint index)
{
  self->pipes[index / 8] |= (guint8) (1u << index % 8);
}

/* self may be NULL. */
gboolean
ferry_offers_allows (const FerryOffers *self, guint index)
{
  return self != NULL && (self->pipes[index / 8] >> index % 8 & 1) != 0;
}

static FerryControlEvent
refuse (GError **error, const char *what)
{
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_PROTOCOL, "The worker %s on its control socket", what);
  return FERRY_CONTROL_INVALID;
}

/* Takes the next one from the socket. A worker knows which of its records were taken, so it never has too many there.
 */
FerryControlEvent
ferry_offers_receive (FerryOffers *self, int control, GError **error)
{
  FerryOffer packet = {0};
  FerryControlEvent event = ferry_control_receive_offer (control, &packet, self->descriptors, error);

  if (event != FERRY_CONTROL_TAKEN)
    return event;
  self->n_received++;
  if (packet.number != self->n_received)
    return refuse (error, "offered buffers out of order");
  if (self->descriptors->len > FERRY_MAX_OFFERS_PER_LINK)
    return refuse (error, "offered more buffers than it may before their records are taken");
  return FERRY_CONTROL_TAKEN;
}

/* Nothing says that the socket was looked at before the lane. */
static void
look_for_one_more (FerryOffers *self, int control)
{
  g_autoptr (GError) error = NULL;

  if (control < 0 || ferry_offers_receive (self, control, &error) != FERRY_CONTROL_INVALID)
    return;
  g_free (self->fault);
  self->fault = g_strdup (error->message);
}

/* The descriptor for a record: *fd is the caller's. control: -1 where it was closed, with all that was in it taken.
 * Returns what is wrong, or NULL. */
const char *
ferry_offers_take (FerryOffers *self, int control, guint64 number, int *fd)
{
  if (number != self->n_taken + 1)
    return "its records of one-shot buffers are out of order";
  if (self->descriptors->len == 0)
    look_for_one_more (self, control);
  if (self->fault != NULL)
    return self->fault;
  if (self->descriptors->len == 0)
    return "its record of a one-shot buffer came without a descriptor before it";
  self->n_taken++;
  *fd = g_array_index (self->descriptors, int, 0);
  g_array_remove_index (self->descriptors, 0);
  return NULL;
}
