/* A sandbox: a worker that may do nothing else decodes a stranger's picture: ./sandbox PICTURE
 * The application reads the file, and sends its bytes. The worker can open no file, no socket and no program.
 * A second task tries to, and the window shows what the system says. Without a sandbox no worker starts.
 *
 * SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: 0BSD */

#include <adwaita.h>
#include <ferry.h>

static GVariant *
decode (FerryJob *job, GVariant *handle, GError **error)
{
  g_autoptr (GBytes) bytes = ferry_job_dup_bytes (job, g_variant_get_handle (handle), error);
  g_autoptr (GInputStream) file = bytes ? g_memory_input_stream_new_from_bytes (bytes) : NULL;
  g_autoptr (GdkPixbuf) small = file ? gdk_pixbuf_new_from_stream_at_scale (file, 320, 320, TRUE, NULL, error) : NULL;
  g_autoptr (GdkPixbuf) pixbuf = small ? gdk_pixbuf_add_alpha (small, FALSE, 0, 0, 0) : NULL;
  g_autoptr (GBytes) pixels = pixbuf ? gdk_pixbuf_read_pixel_bytes (pixbuf) : NULL;

  if (pixels == NULL)
    return NULL;
  return g_variant_new ("(uu@ay)", gdk_pixbuf_get_width (pixbuf), gdk_pixbuf_get_height (pixbuf),
                        g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, pixels, TRUE));
}

static GVariant *
steal (FerryJob *job, GVariant *path, GError **error)
{
  g_autofree char *text = NULL;

  g_file_get_contents (g_variant_get_string (path, NULL), &text, NULL, error);
  return text != NULL ? g_variant_new_string (text) : NULL;
}

static void
done_cb (FerryTask *task, GtkWidget *box)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) result = ferry_task_get_result (task, &error);
  g_autoptr (GVariant) pixels = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GdkTexture) texture = NULL;
  guint width, height;

  if (result == NULL || !g_variant_is_of_type (result, G_VARIANT_TYPE ("(uuay)")))
    {
      gtk_box_append (
        GTK_BOX (box),
        g_object_new (GTK_TYPE_LABEL, "label", result ? "It was not refused!" : error->message, "wrap", TRUE, NULL));
      return;
    }
  g_variant_get (result, "(uu@ay)", &width, &height, &pixels);
  bytes = g_variant_get_data_as_bytes (pixels);
  if (width == 0 || 4 * (guint64) width * height != g_bytes_get_size (bytes)) /* the worker chose all of them */
    return;
  texture = gdk_memory_texture_new (width, height, GDK_MEMORY_R8G8B8A8, bytes, 4 * width);
  gtk_box_append (GTK_BOX (box), g_object_new (GTK_TYPE_PICTURE, "paintable", texture, "can-shrink", FALSE,
                                               "alternative-text", "The picture", NULL));
}

static void
open_cb (GtkApplication *application, GFile **files, int n_files)
{
  FerryRouter *router = ferry_router_get_default ();
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new ((const char *[]){"/proc/self/exe", NULL});
  g_autoptr (FerrySandbox) sandbox = ferry_sandbox_new ();
  g_object_set (sandbox, "system-paths", TRUE, NULL); /* GdkPixbuf loads its decoders from there */
  g_object_set (launcher, "sandbox", sandbox, NULL);
  g_autoptr (FerryPool) pool = ferry_pool_new (router, launcher);
  g_autoptr (FerryExecutor) executor = ferry_executor_new (pool);
  g_autoptr (FerryTask) decoding = ferry_task_new (FERRY_TASK_KIND_CALL, "decode", NULL);
  g_autoptr (FerryTask) stealing = ferry_task_new (FERRY_TASK_KIND_CALL, "steal", g_variant_new_string ("/etc/passwd"));
  const char *text = "The worker shows this picture, and cannot read a file:";
  GtkWidget *label =
    g_object_new (GTK_TYPE_LABEL, "label", n_files ? text : "Name a picture: ./sandbox PICTURE", "wrap", TRUE, NULL);
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12), *content = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  GtkWidget *window = g_object_new (ADW_TYPE_APPLICATION_WINDOW, "application", application, "title", "Sandbox",
                                    "content", content, "default-width", 400, NULL);
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;
  int handle = -1;

  g_object_set (box, "margin-top", 24, "margin-bottom", 24, "margin-start", 24, "margin-end", 24, NULL);
  gtk_box_append (GTK_BOX (content), adw_header_bar_new ());
  gtk_box_append (GTK_BOX (content), box);
  gtk_box_append (GTK_BOX (box), label);
  g_signal_connect_object (decoding, "done", G_CALLBACK (done_cb), box, 0);
  g_signal_connect_object (stealing, "done", G_CALLBACK (done_cb), box, 0);
  gtk_window_present (GTK_WINDOW (window));
  if (n_files > 0 && (bytes = g_file_load_bytes (files[0], NULL, NULL, &error)))
    handle = ferry_task_add_bytes (decoding, bytes, &error);
  if (handle >= 0)
    ferry_task_set_arguments (decoding, g_variant_new_handle (handle));
  if (n_files > 0 && (error != NULL || !ferry_router_start (router, &error) ||
                      !ferry_executor_submit_task (executor, decoding, &error) ||
                      !ferry_executor_submit_task (executor, stealing, &error)))
    gtk_label_set_label (GTK_LABEL (label), error->message);
}

/* Without a file. */
static void
activate_cb (GtkApplication *application)
{
  open_cb (application, NULL, 0);
}

int
main (int argc, char **argv)
{
  ferry_function_register ("decode", "h", "(uuay)", decode);
  ferry_function_register ("steal", "s", "s", steal);
  ferry_worker_main (&argc, &argv);

  g_autoptr (AdwApplication) application = adw_application_new ("org.example.Sandbox", G_APPLICATION_HANDLES_OPEN);
  g_signal_connect (application, "activate", G_CALLBACK (activate_cb), NULL);
  g_signal_connect (application, "open", G_CALLBACK (open_cb), NULL);
  return g_application_run (G_APPLICATION (application), argc, argv);
}
