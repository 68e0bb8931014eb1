/* Pictures without copies: a worker paints into memory that the window shows.
 * The window shows what arrives as it is. The worker gets its memory back when the next picture is shown.
 * The launcher trusts the worker. Without that, Ferry makes a copy first, since a worker could go on painting.
 *
 * SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: 0BSD */

#include <adwaita.h>
#include <ferry-gtk.h>

#define SIDE 400

/* In the worker: rings that grow. Making a buffer waits for room, and fails when the window is closed. */
static int
paint (FerrySender *sender)
{
  gboolean heard = ferry_sender_start (sender, NULL);

  for (guint frame = 0; heard; frame++)
    {
      g_autoptr (FerryBuffer) buffer = ferry_sender_create_buffer (sender, 4 * SIDE * SIDE, NULL);
      guint32 *pixels = buffer != NULL ? ferry_buffer_get_data (buffer, NULL) : NULL;

      for (int i = 0; pixels != NULL && i < SIDE * SIDE; i++)
        {
          int x = i % SIDE - SIDE / 2, y = i / SIDE - SIDE / 2;
          guint8 ring = (guint8) ((x * x + y * y) / 64 - 4 * frame);

          pixels[i] = 0xff000000 | (guint32) ring << 16 | (guint32) (128 + ring / 4) << 8 | (255 - ring);
        }
      heard = pixels != NULL && ferry_sender_send_buffer (sender, g_variant_new ("(uu)", SIDE, SIDE), buffer, NULL);
      g_usleep (G_USEC_PER_SEC / 60);
    }
  return 0;
}

static void
activate_cb (GtkApplication *application)
{
  FerryRouter *router = ferry_router_get_default ();
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new ((const char *[]){"/proc/self/exe", NULL});
  g_autoptr (FerrySender) sender = NULL;
  g_autoptr (FerryReceiver) receiver = NULL;
  g_autoptr (FerryWorker) worker = NULL;
  g_autoptr (GError) error = NULL;
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12),
            *label = gtk_label_new ("A worker paints, 60 times a second.");
  GtkWidget *content = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  GtkWidget *window = g_object_new (ADW_TYPE_APPLICATION_WINDOW, "application", application, "title", "Pictures",
                                    "content", content, NULL);

  g_object_set (box, "margin-top", 24, "margin-bottom", 24, "margin-start", 24, "margin-end", 24, NULL);
  gtk_box_append (GTK_BOX (content), adw_header_bar_new ());
  gtk_box_append (GTK_BOX (content), box);
  gtk_box_append (GTK_BOX (box), label);
  gtk_window_present (GTK_WINDOW (window));
  g_object_set (launcher, "trusted", TRUE, NULL);
  if (!ferry_router_start (router, &error) ||
      !ferry_router_pipe (router, FERRY_PIPE_QUEUED, &sender, &receiver, &error) ||
      !ferry_launcher_add_sender (launcher, "pictures", sender, &error) ||
      !(worker = ferry_launcher_spawn (launcher, router, &error)))
    {
      gtk_label_set_text (GTK_LABEL (label), error->message);
      return;
    }
  GtkWidget *picture = ferry_remote_picture_new (receiver);
  g_object_set (picture, "alternative-text", "Rings that a worker paints", "width-request", SIDE, "height-request",
                SIDE, NULL);
  gtk_box_append (GTK_BOX (box), picture);
  ferry_receiver_bind (receiver, G_OBJECT (window));
}

int
main (int argc, char **argv)
{
  g_autoptr (FerrySender) sender = ferry_worker_get_sender ("pictures", NULL);
  if (sender != NULL)
    return paint (sender);

  g_autoptr (AdwApplication) application = adw_application_new ("org.example.Pictures", G_APPLICATION_DEFAULT_FLAGS);
  g_signal_connect (application, "activate", G_CALLBACK (activate_cb), NULL);
  return g_application_run (G_APPLICATION (application), argc, argv);
}
