using System.Globalization;
using Detector;

// Finds what YOLOX knows in an image: a frame goes in as the camera has it, boxes come out in its pixels.
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
if (args is not [string file])
{
    Console.Error.WriteLine("usage: Detector IMAGE.ppm");
    return 2;
}

using Frame frame = Frame.Read(file);
using YoloxNano model = YoloxNano.Load();
using YoloxNano.Request request = model.CreateRequest(height: frame.Height, width: frame.Width);

// No copy and no conversion: the first kernel reads the frame, rows padded, and letterboxes it.
request.BindImages(frame.Data, [0, frame.Stride, Frame.Channels, 1]);
request.Infer();

foreach (Detection found in Detections.Of(request.Output, request.ImagesMap))
    Console.WriteLine($"class {found.Class,2} {found.Score,6:P0}  {found.Left,7:F1} {found.Top,7:F1} {found.Right,7:F1} {found.Bottom,7:F1}");
return 0;
