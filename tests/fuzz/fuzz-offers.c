/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Descriptors that a worker hands over, and the records that say so. Three bytes of the input are a step: an offer that
 * is well formed, another packet, a look at the socket, or a record. */

#include "config.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "base/ferry-base-private.h"
#include "fuzz.h"
#include "lane/ferry-handshake-private.h"
#include "lane/ferry-offers-private.h"
#include "lane/ferry-one-shot-private.h"

#define SIZE ((gsize) 8192)
#define MAX_STEPS 80 /* as many packets fit into the socket */

/* What a worker may hand over: a good one, and one that it can still write to. */
static int
get_memory (gboolean sealed)
{
  static int fds[2];
  guint8 *data;

  for (guint i = 0; i < 2 && fds[1] == 0; i++)
    {
      fds[i] = ferry_one_shot_create (SIZE, &data, NULL);
      g_assert_true (i == 0 || ferry_one_shot_seal (fds[i], SIZE, data, SIZE, NULL));
      munmap (data, SIZE);
    }
  return fds[sealed];
}

/* Returns whether it was good. */
static gboolean
take (FerryOffers *offers, int socket, guint64 number, gsize size)
{
  ferry_autofd fd = -1;
  guint8 *data = NULL;

  if (ferry_offers_take (offers, socket, number, &fd) != NULL || ferry_one_shot_map (fd, size, 3 * SIZE, &data) != NULL)
    return FALSE;
  g_assert_cmpuint (number, ==, offers->n_taken);
  g_assert_cmpuint (size, ==, SIZE);
  g_assert_cmpint (fcntl (fd, F_GET_SEALS) & F_SEAL_WRITE, !=, 0);
  munmap (data, size);
  return TRUE;
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  FerryOffer offer = {
    .header = {.magic = FERRY_PROTOCOL_MAGIC, .kind = FERRY_CONTROL_OFFER, .version = FERRY_PROTOCOL_VERSION}};
  FerryOffers *offers = ferry_offers_new ();
  ferry_autofd application = -1;
  ferry_autofd worker = -1;
  gboolean good = TRUE;

  g_assert_true (ferry_control_socket_pair (&application, &worker, NULL));
  for (gsize at = 0; at + 3 <= MIN (size, MAX_STEPS * 3) && good; at += 3)
    {
      const guint8 *step = data + at;
      const gboolean is_formed = step[0] % 4 == 0;

      offer.number = step[1];
      if (step[0] % 4 < 2)
        fuzz_send_packet (worker, is_formed ? (gconstpointer) &offer : step,
                          is_formed ? sizeof offer : MIN (step[1], size - at), get_memory (step[2] & 1),
                          step[2] / 2 % 5);
      else if (step[0] % 4 == 2)
        good = ferry_offers_receive (offers, application, NULL) <= FERRY_CONTROL_TAKEN;
      else
        good = take (offers, application, step[1], step[2] % 4 * SIZE / 2);
      g_assert_cmpuint (offers->descriptors->len, <=, FERRY_MAX_OFFERS_PER_LINK + 5);
    }
  /* Here they are none of those that take their time. */
  for (guint i = 0; i < offers->descriptors->len; i++)
    close (g_array_index (offers->descriptors, int, i));
  g_array_set_size (offers->descriptors, 0);
  ferry_offers_free (offers);
  return 0;
}
