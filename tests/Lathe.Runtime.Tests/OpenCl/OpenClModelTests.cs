using Lathe.Runtime.Devices;
using Lathe.Runtime.OpenCl;
using Lathe.Runtime.OpenCl.Interop;
using Lathe.Runtime.Plans;

namespace Lathe.Runtime.Tests.OpenCl;

/// <summary>Models and requests on a device: parts, lifetimes and shared memory.</summary>
public sealed unsafe class OpenClModelTests
{
    [SetUp]
    public void NeedsADevice()
    {
        if (OpenClDevice.All().Count == 0) Assert.Ignore("There is no OpenCL device (apt-get install pocl-opencl-icd ocl-icd-libopencl1).");
    }

    [Test]
    public void Models_OfFewerThreads_TakeTheDevicesPartsInTurn()
    {
        OpenClDevice device = OpenClDevice.Choose();
        if (!device.IsCpu || device.ComputeUnits < 2) Assert.Ignore("There is no device with processors to divide.");
        List<int> parts = [];
        for (int i = 0; i < device.ComputeUnits; i++)
        {
            using OpenClModel model = Load(threads: 1);
            if (model.Part < 0)
            {
                Assert.That(model.Threads, Is.EqualTo(device.ComputeUnits));
                Assert.That(model.Warnings, Has.Count.EqualTo(1).And.One.Contains("cannot be divided"));
                return;
            }

            Assert.That(model.Threads, Is.EqualTo(1));
            Assert.That(model.Warnings, Is.Empty);
            parts.Add(model.Part);
        }

        Assert.That(parts, Is.Unique.And.All.InRange(0, device.ComputeUnits - 1));
    }

    [Test]
    public void Request_OfADisposedModel_IsRefused()
    {
        OpenClModel model = Load(threads: int.MaxValue);
        model.Dispose();
        Assert.That(model.CreateRequest, Throws.TypeOf<ObjectDisposedException>());
    }

    [Test]
    public void Request_OutlivesItsModel()
    {
        OpenClModel model = Load(threads: int.MaxValue);
        DeviceRequest request = model.CreateRequest();
        model.Dispose();
        Assert.That(model.Context.IsClosed, Is.False);
        byte* read = stackalloc byte[4];
        request.ResizeArena(64, 0);
        request.Begin();
        request.Read(new DeviceAddress(DeviceAddress.Arena, 0), read, 4);
        request.End();
        request.Dispose();
        Assert.That(model.Context.IsClosed, Is.True, "nothing holds it any more");
    }

    [Test]
    public void Handle_ThatIsNotMade_KeepsNoParent()
    {
        int released = Released;
        ClHandle parent = new(1, &Release);
        Assert.That(() => new ClHandle(() => throw new InvalidOperationException(), &Release, parent), Throws.TypeOf<InvalidOperationException>());
        ClHandle child = new(() => 2, &Release, parent);
        parent.Dispose();
        Assert.That(Released, Is.EqualTo(released), "the child holds it");
        child.Dispose();
        Assert.That(Released, Is.EqualTo(released + 2));
        Assert.That(() => new ClHandle(() => 3, &Release, parent), Throws.TypeOf<ObjectDisposedException>());
    }

    [Test]
    public void Inputs_AtOnePlace_AreOneMemory()
    {
        using OpenClModel model = Load(threads: int.MaxValue);
        using OpenClRequest request = (OpenClRequest)model.CreateRequest();
        byte* memory = (byte*)System.Runtime.InteropServices.NativeMemory.AlignedAlloc(256, 64);
        try
        {
            for (int i = 0; i < 256; i++) memory[i] = (byte)i;
            request.Bind(0, memory, 64);
            request.Bind(1, memory, 64);
            Assert.That(request.MemoryOf(1), Is.SameAs(request.MemoryOf(0)));
            request.Bind(1, memory, 128);
            Assert.That(request.MemoryOf(1), Is.SameAs(request.MemoryOf(0)), "the longer one holds both");
            Assert.That(request.MemoryOf(1)!.Bytes, Is.EqualTo(128));
            request.Bind(0, memory + 128, 64);
            Assert.That(request.MemoryOf(1), Is.Not.SameAs(request.MemoryOf(0)));
            byte* read = stackalloc byte[2];
            for (int round = 0; round < 2; round++)
            {
                request.Begin();
                request.Read(new DeviceAddress(DeviceAddress.FirstTensor, 3), read, 1);
                request.Read(new DeviceAddress(DeviceAddress.FirstTensor + 1, 100), read + 1, 1);
                request.End();
                Assert.That((read[0], read[1]), Is.EqualTo((131, 100)));
            }

            request.Bind(0, null, 0);
            request.Bind(1, null, 0);
            Assert.That(request.MemoryOf(0), Is.Null);
        }
        finally
        {
            System.Runtime.InteropServices.NativeMemory.AlignedFree(memory);
        }
    }

    private static int Released { get; set; }

    private static int Release(nint handle)
    {
        Released++;
        return CL.Success;
    }

    /// <summary>A model of two inputs that computes nothing.</summary>
    private static OpenClModel Load(int threads)
    {
        PlanBuilder b = new();
        b.Input("a", 16);
        b.Input("b", 16);
        return OpenClModel.Load(new DeviceSetup(b.Build() with { Device = "GPU" }, 0, FlushDenormals: false, Profiling: false, Isa: null, threads), _ => Stream.Null);
    }
}
