using Lathe.Runtime.OpenCl;
using Lathe.Runtime.OpenCl.Interop;

namespace Lathe.Runtime.Tests.OpenCl;

/// <summary>Programs that a device refuses, and errors of drivers.</summary>
public sealed class ClProgramTests
{
    [Test]
    public unsafe void Source_ThatIsWrong_IsOneErrorWithTheReason()
    {
        if (OpenClDevice.All().Count == 0) Assert.Ignore("There is no OpenCL device (apt-get install pocl-opencl-icd ocl-icd-libopencl1).");
        OpenClDevice device = OpenClDevice.Choose();
        nint id = device.Id;
        int error;
        using ClHandle context = new(CL.CreateContext(null, 1, &id, 0, 0, &error), &CL.ReleaseContext);
        LatheException? refused = Assert.Throws<LatheException>(() => ClProgram.FromSource(device, device.Id, context, "__kernel void f() { no_such_thing(); }", ""));
        Assert.That(refused!.Id, Is.EqualTo(ErrorIds.DeviceKernels));
        Assert.That(refused.Message, Does.Contain(device.Name).And.Contain("no_such_thing"));
    }

    [TestCase(CL.MemObjectAllocationFailure, ErrorIds.DoesNotFit, "CL_MEM_OBJECT_ALLOCATION_FAILURE")]
    [TestCase(CL.OutOfHostMemory, ErrorIds.DoesNotFit, "CL_OUT_OF_HOST_MEMORY")]
    [TestCase(CL.OutOfResources, ErrorIds.DeviceFailed, "CL_OUT_OF_RESOURCES")]
    [TestCase(-9999, ErrorIds.DeviceFailed, "-9999")]
    public void Code_OfADriver_IsAnErrorOfTheRuntime(int code, string id, string word)
    {
        LatheException? failed = Assert.Throws<LatheException>(() => ClError.Check(code, "Running"));
        Assert.That(failed!.Id, Is.EqualTo(id));
        Assert.That(failed.Message, Does.Contain(word).And.StartsWith("Running"));
    }
}
